// Package payments books the money that moves through the bank: statements in, matching, allocating.
//
// It owns statements, bank lines and allocations, and the rule by which a line finds its order. It does not
// own the format of a bank's file (providers), what an order owes (invoices) or the accounts (ledger).
//
// # What is always true
//
//   - A bank line is booked once ever, whatever files it comes in, however often and in how many at once.
//   - A file with anything wrong in it changes nothing. An import that was broken off goes on where it was
//     when the file is read again.
//   - What a line brought is its allocations and what is left of it, to the cent. Nothing is guessed: without
//     a reference or number of ours, money waits for a person.
//   - Who paid is sealed. In the clear is only a payment reference that we gave.
package payments
