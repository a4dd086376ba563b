// Package db runs the platform's SQL on SQLite and on PostgreSQL behind one *Tx.
//
// It owns connections, transactions, group commit, retry, deadlines, migrations, the business clock's
// offset and the numbering of write transactions. It knows no business word, and no table but its own.
//
// # What is always true
//
//   - One SQL text runs on both engines. Only sets (Insert, Put, Change, Find, Lock) differ inside: a
//     loop of prepared statements for up to 16 rows on SQLite, unnest on PostgreSQL.
//   - What one engine would take and the other refuse is refused on both; errors have one name each.
//   - A transaction that was answered is durable. An unknown outcome is read back, never guessed.
//   - After a statement failed a transaction can only be rolled back.
//   - A function given to Write or Batch may run twice and must change nothing outside its Tx.
//   - Write transactions of one slot are numbered without gaps in the order in which they committed.
package db
