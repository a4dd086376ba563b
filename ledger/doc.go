// Package ledger is the platform's books: balanced double entry, append-only, sealed into a signed log.
//
// It owns the chart of accounts, the journal (entries, postings, commits), the sealed log over it (seals,
// tiles, checkpoints), the balance snapshots and the proofs that all of this allows. It does not own what
// is posted when (the stages), which transactions there are and their numbers (internal/db), or the
// re-derivation of it all (verify, which shares no code with this package).
//
// # What is always true
//
//   - The legs of an entry sum to zero, in one currency, on accounts of the chart.
//   - A key posts one entry for a merchant, however often it is posted. The same key with other content is
//     a Conflict "entry-key".
//   - No row of the journal is ever changed or removed. A wrong entry is corrected by another one.
//   - An entry has one place in the log, counted from 0 without gaps, and keeps it. docs/log-format.md says
//     what is hashed and signed.
//   - Nothing that is sealed holds personal data or free text.
package ledger
