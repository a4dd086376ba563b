// Package verify re-derives the books from rows alone and names the first difference.
//
// It owns the audit: of the journal, the sealed log, the snapshots, and of every amount that a stage keeps
// beside the journal. It does not own any of these rows and never writes. It trusts no code it audits:
// it imports no stage, and has its own chart, its own encoding of a leaf and its own tree, written from
// docs/log-format.md and docs/chart.md.
//
// # What is always true
//
//   - An audit runs on one snapshot of a live database and changes nothing.
//   - The first difference found ends it, named by check, table, row, what was expected and what is there.
//   - docs/verify.md lists every check there is.
package verify
