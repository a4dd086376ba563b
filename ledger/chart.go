package ledger

import (
	"fmt"
	"slices"
	"strings"
)

// Operator is the merchant of entries that belong to no merchant, such as a bank line received.
const Operator = "operator"

// Codes of the chart.
const (
	BuyerPrincipal  = "buyer/principal"
	BuyerCosts      = "buyer/costs"
	BuyerInterest   = "buyer/interest"
	BuyerCredit     = "buyer/credit"
	MerchantPending = "merchant/pending"
	MerchantPayable = "merchant/payable"
	MerchantReserve = "merchant/reserve"
	Bank            = "bank"
	PSP             = "psp"
	Unallocated     = "unallocated"
	TransitRefunds  = "transit/refunds"
	TransitPayouts  = "transit/payouts"
	IncomeFees      = "income/merchant-fees"
	IncomeCosts     = "income/costs"
	IncomeInterest  = "income/interest"
	TaxVAT          = "tax/vat"
	ExpensePSP      = "expense/psp"
	ExpenseLoss     = "expense/loss"
)

// Account is one line of the chart.
type Account struct {
	Code    string
	Kind    string  // asset, liability, income or expense
	Whose   string  // merchant: never in an entry of the operator; operator: in anybody's
	Subject Subject // what the account is kept apart by
	Carries string
}

// Subject is what an account is kept apart by. Those of few subjects have a balance snapshot; the others
// are proved against the row that their subject names.
type Subject string

const (
	None     Subject = "none"
	Invoice  Subject = "invoice"   // inv_…
	Order    Subject = "order"     // ord_…
	IBAN     Subject = "IBAN"      // of the operator's own bank account
	BankLine Subject = "bank line" // bl_…
)

// chart is every account there is, in the order of the printed chart.
var chart = []Account{
	{BuyerPrincipal, "asset", "merchant", Invoice, "what the buyer owes for the goods"},
	{BuyerCosts, "asset", "merchant", Invoice, "collection costs that the buyer owes"},
	{BuyerInterest, "asset", "merchant", Invoice, "interest that the buyer owes"},
	{BuyerCredit, "liability", "merchant", Order, "money that we hold for the buyer of this order"},
	{MerchantPending, "liability", "merchant", None, "what the shop will get"},
	{MerchantPayable, "liability", "merchant", None, "what the shop may get now"},
	{MerchantReserve, "liability", "merchant", None, "what is kept back from the shop"},
	{Bank, "asset", "operator", IBAN, "money at the bank; client money and own money have IBANs of their own"},
	{PSP, "asset", "operator", None, "money at a payment provider"},
	{Unallocated, "liability", "operator", BankLine, "money received whose owner is not yet known"},
	{TransitRefunds, "liability", "operator", None, "refunds ordered, not yet on the statement"},
	{TransitPayouts, "liability", "operator", None, "payouts ordered, not yet on the statement"},
	{IncomeFees, "income", "operator", None, "fees of the merchants, without VAT"},
	{IncomeCosts, "income", "operator", None, "collection costs charged to buyers"},
	{IncomeInterest, "income", "operator", None, "interest charged to buyers"},
	{TaxVAT, "liability", "operator", None, "VAT on our fees, owed to the tax office"},
	{ExpensePSP, "expense", "operator", None, "what payment providers charge"},
	{ExpenseLoss, "expense", "operator", None, "claims given up"},
}

var accounts = func() map[string]*Account {
	m := map[string]*Account{}
	for i := range chart {
		m[chart[i].Code] = &chart[i]
	}
	return m
}()

// Chart returns every account there is.
func Chart() []Account { return slices.Clone(chart) }

// summary says whether the account has so few subjects that the sealer keeps its balance.
func (a *Account) summary() bool { return a.Subject == None || a.Subject == IBAN }

// fits says whether s has the shape that the account's subject must have.
func (a *Account) fits(s string) bool {
	switch a.Subject {
	case None:
		return s == ""
	case Invoice:
		return isID(s, "inv_")
	case Order:
		return isID(s, "ord_")
	case BankLine:
		return isID(s, "bl_")
	}
	return isIBAN(s)
}

// isID says whether s is prefix and then lower-case letters and digits.
func isID(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || rest == "" || len(s) > maxText {
		return false
	}
	for _, c := range []byte(rest) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// isIBAN looks at the shape only: two letters, two digits, 11 to 30 letters and digits (ISO 13616).
func isIBAN(s string) bool {
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	for i, c := range []byte(s) {
		digit, letter := '0' <= c && c <= '9', 'A' <= c && c <= 'Z'
		if (i < 2 && !letter) || (i >= 2 && i < 4 && !digit) || (!digit && !letter) {
			return false
		}
	}
	return true
}

// page is docs/chart.md.
func page() string {
	var b strings.Builder
	b.WriteString(`# Chart of accounts

This page is made from ` + "`ledger/chart.go`" + `. An account is a code, a merchant (or ` + "`operator`" + `) and a subject.
A debit is a positive number of cents, a credit a negative one; the legs of an entry sum to zero.
Accounts of a merchant never stand in an entry of the operator.

| code | kind | whose | subject | carries |
|---|---|---|---|---|
`)
	for _, a := range chart {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", a.Code, a.Kind, a.Whose, a.Subject, a.Carries)
	}
	return b.String()
}
