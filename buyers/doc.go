// Package buyers knows the people and companies who pay later.
//
// It owns what identifies them (handles, persons, the identity snapshot of each attempt), how much they
// have open, and who is blocked. It does not own the decision that follows from it (risk) nor the debts
// themselves (invoices).
//
// # What is always true
//
//   - Personal data stands in sealed columns only; look-ups go by keyed hashes.
//   - A handle's row is locked while an order of its buyer is decided, so a limit holds without any
//     merging of persons being right.
//   - The identity of a decided attempt is never changed; a correction is a new version with who and why.
package buyers
