package reports

// Statements is every statement of this package by name, with $1, $2 for keys.
func Statements() map[string]string {
	return map[string]string{"items": selectItems, "item": itemColumns + ` and po.order_id = $2`, "goods": selectGoods, "holds": selectHolds,
		"keys": entryKeys, "entries": selectEntries, "claim": selectClaim}
}

// Unseens is the statement of the monitor.
const Unseens = selectUnseen
