// Package payments books the money that buyers send: bank statements in, matching, allocating, and payments by
// bank button through a payment service provider.
//
// It owns statements, bank lines and allocations, the rule by which a line finds its order, payments by bank
// button and their settlements, and what shops say that they received themselves. It does not own the format of a
// bank's file or a provider's wire (providers), what an order owes (invoices) or the accounts (ledger).
//
// # What is always true
//
//   - A bank line is booked once ever, whatever files it comes in, however often and in how many at once.
//   - A file with anything wrong in it changes nothing. An import that was broken off goes on where it was
//     when the file is read again.
//   - What a line brought is its allocations and what is left of it, to the cent. Nothing is guessed: without
//     a reference or number of ours, money waits for a person.
//   - What a shop says that it received is never more than is open, and lowers what the shop gets by as much. It is
//     taken back whole, once, by an entry of its own.
//   - Who paid is sealed. In the clear is only a payment reference that we gave.
//   - What a provider tells us unasked is a hint to ask it. A payment is booked once, with the amount that the
//     provider says was paid, however often, late or out of order its news come.
//   - The provider is never asked within a transaction, and only for what was stored before.
package payments
