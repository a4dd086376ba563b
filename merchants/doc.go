// Package merchants knows the shops that sell, and the operator that serves them.
//
// It owns shops with their contact means, their dated contracts (who is the creditor, fees, days, limits)
// and their terms of sale, and the operator's identity. It does not own keys (access) nor what a shop is
// owed (ledger, payouts).
//
// # What is always true
//
//   - A shop is active only with at least two contact means of two different kinds.
//   - A contract or a version of terms is never changed; a later one takes over from its date.
package merchants
