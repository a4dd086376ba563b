// Package checkout is the till of the platform, at /checkout/{token}: the page on which a buyer who comes from a shop
// fills in who they are and orders with an obligation to pay, and the pages that say what became of it.
//
// It owns these pages, their texts, the words on the button and the reading of the form. It does not own the checkout
// (checkout), what an order is decided by (risk) or how it is placed (invoices.Till).
//
// # What is always true
//
//   - Whoever has the token is the buyer at the till. The pages are kept by nobody and name no other page where they came from.
//   - A wrong field comes back beside what was typed, and costs no attempt.
//   - Sent twice, in two tabs or after a crash, one attempt has one decision and at most one order.
//   - The way back to the shop is the shop's own to the byte; to its success page only once the order is stored.
//   - Nobody learns here what is on record about a person: who types somebody's address has not proved to be them.
package checkout
