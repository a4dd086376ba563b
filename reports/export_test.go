package reports

// Statements is every statement of this package by name, with $1, $2 for keys.
func Statements() map[string]string {
	return map[string]string{"items": selectItems, "item": selectItem, "order": selectOrder, "goods": selectGoods, "holds": selectHolds,
		"keys": entryKeys, "entries": selectEntries, "claim": selectClaim, "letters": selectLetters,
		"by reference": standingByReference, "by number": standingByNumber}
}

// Unseens is the statement of the monitor.
const Unseens = selectUnseen
