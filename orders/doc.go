// Package orders keeps the order that a shop sends and the states it goes through.
//
// It owns the order, its lines, its payment reference and its states. It does not own the decision that
// lets it in (risk), what is owed for it (invoices) or what is delivered (deliveries).
//
// # What is always true
//
//   - The lines add up to the total that the shop stated; otherwise nothing is stored.
//   - An order moves only along the table in states.go.
//   - A payment reference belongs to one order on the whole platform, before and after its invoice.
package orders
