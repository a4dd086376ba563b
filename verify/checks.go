package verify

import (
	"context"
	"fmt"
	"strings"
)

// check is one thing that must be true of the rows.
type check struct {
	name string
	what string
	run  func(context.Context, *audit) error // nil: looked at while "entries" reads the journal
}

// checks is all of them, in the order in which they run. A stage that keeps an amount beside the journal
// adds its own at the end, in a file of its own.
var checks = []check{
	{"entries", "Each entry has two legs at least, numbered from 0, of its own merchant, none of them zero, and they sum to zero in its currency.", readJournal},
	{"chart", "Each leg is on an account of the chart, with a subject of the right shape; the operator's entries touch no account of a merchant.", nil},
	{"commits", "Each commit has as many entries as it says, numbered from 0 without gaps, and its digest is that of their leaves.", nil},
	{"strays", "No posting is without its entry and no entry without its commit.", nil},
	{"seals", "Places follow one another from 0, so do each writer's numbers, and each sealed commit exists with as many entries.", nil},
	{"tiles", "Each hash of each tile is the one that the entries make, and there is no other tile.", nil},
	{"checkpoints", "Each checkpoint is signed by the log's key, follows the one before it, and has the root of the tree at its size; the last covers the last place.", nil},
	{"outside", "The log begins with the tree of the checkpoint given from outside: nothing at or before its last place was cut or rewritten.", nil},
	{"unsealed", "The commits not sealed yet follow the sealed ones of their writer without a gap.", nil},
	{"trial-balance", "All accounts together are zero in each currency.", checkTrial},
	{"balances", "Each snapshot has the cents, the number of entries and the last place that the sealed entries make, and none is missing.", checkBalances},
	{"invoice-amounts", "Paid, credited, written off and open make the total of each invoice, and nothing is negative.", checkInvoices},
	{"invoice-journal", "The journal's principal of each issued invoice is its open amount, that of any other is zero, and none is without an invoice.", checkPrincipal},
	{"order-lines", "The lines of each order, with the VAT on each rate's sum where prices exclude it, make its total, which is that of its one invoice.", checkLines},
	{"numbers", "The numbers of each series run from 1 to its last without a gap, each given once.", checkNumbers},
	{"buyer-credit", "What is held for the buyer of an order is never less than nothing, and the invoice says as much as the journal.", checkCredit},
	{"bank-lines", "No bank line is allocated beyond its amount; what is left of it is what the line says and its balance in the journal.", checkBankLines},
	{"handles", "The open amount of each handle, and its number of overdue invoices, are those of the invoices of the orders whose buyer has it.", checkHandles},
	{"owners", "Each order is among those of the person who ordered, and of the person whose e-mail address it has, under the address of its identity's latest version; nobody has another's.", checkOwners},
	{"documents", "Each issued invoice and each credit note with a number has the one document that was fixed with it, and nothing else has one.", checkDocuments},
	{"psp-payments", "Each payment by bank button stands in the journal with what was paid, off its invoice or for its buyer; each settlement is its payments, and closes the provider's account with its bank line; nothing else is on that account.", checkPSP},
	{"shop-receipts", "Each payment that a shop says it received stands in the journal with its amount, off its invoice or for its buyer and off what the shop gets; one that was taken back stands there both ways; there is no such entry without it.", checkReceipts},
	{"states", "Each invoice has the status that its number and amounts make it, and stands where one of an order in that state may stand.", checkStates},
	{"next-steps", "Each planned invoice has its day or its lapse to come, or a hold; each open one that is not overdue has the day after its due date to come; or it is among what failed.", checkNext},
	{"bank-accounts", "The journal's account of each IBAN is the sum of its bank lines, and as much as the bank's own balances say where its statements follow one another without a gap.", checkBank},
}

// page is docs/verify.md.
func page() string {
	var b strings.Builder
	b.WriteString(`# What verify checks

This page is made from ` + "`verify/checks.go`" + `. ` + "`achteraf verify`" + ` re-derives all of this from rows alone, on one snapshot of a live
database, in this order, and ends at the first difference: the check, the table, the row, what was expected and what
is there. It shares no code with what it checks.

| check | what must be true |
|---|---|
`)
	for _, c := range checks {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.name, c.what)
	}
	return b.String()
}
