// Package invoices says what a buyer owes for an order, from the planned invoice to the paid one.
//
// It owns the invoice with its amounts, numbers and dates, the credit notes, the holds, and the use cases
// that end here: accepting an order, issuing, crediting, cancelling; and the documents, as a page and as a file. It
// does not own the money that arrives (payments), the entries it causes (ledger) or how a document reaches the
// buyer (messages).
//
// # What is always true
//
//   - paid + credited + written off + open = total, and none is negative.
//   - A number is given at issue, in the issuing transaction, without gaps in its series.
//   - Nothing is sent, asked or handed over through a hold: every act asks Stops first.
//   - What a document says is fixed in the transaction that gives it its number, and never changes.
//   - Dates are civil dates at the debtor's address.
package invoices
