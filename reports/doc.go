// Package reports answers questions across all stages: what a buyer owes and owned up to, and why.
//
// It owns the read models of pages and the monitors that watch them. It does not own any row: it writes no table,
// and whatever it shows it reads from the rows of the stages in the transaction at hand.
//
// # What is always true
//
//   - Nothing is shown but what belongs to handles that were proved: the latest identity of an order decides.
//   - What is shown as open is the sum of the ledger's entries, and what is shown as held too.
//   - An order is seen by the first read after its acceptance, because no copy of it is kept here.
//   - A step that a hold stops is not shown as to come.
package reports
