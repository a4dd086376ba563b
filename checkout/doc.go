// Package checkout keeps the offers to pay later that wait for a buyer at a till of ours.
//
// It owns a checkout: what is to be ordered, what is known of the buyer, where the buyer goes afterwards, how often it
// was tried and how it ended. It does not own the check of the order (orders), the decision (risk), the placing of the
// order (invoices.Till) or the pages (web/checkout).
//
// # What is always true
//
//   - A checkout moves only along the table in states.go. It ends once, unless an order that was on its way turns out
//     to have been placed: an order that exists wins over every other end.
//   - Its token is 256 random bits, of which the database holds a keyed hash. Who has the token is the buyer at the till.
//   - It lives in wall time. Whoever reads it after its time finds it expired, whether it was marked or not.
//   - A decision counts as an attempt, a wrong field never does. There are three attempts.
//   - What is known of the buyer, and what is in the basket, is sealed, and gone once the checkout has ended.
//   - Where the shop wants the buyer to go is kept to the byte.
package checkout
