// Package db runs the platform's SQL on SQLite and on PostgreSQL behind one *Tx.
//
// It owns connections, transactions, group commit, retry, deadlines, migrations, the business clock's
// offset and the numbering of write transactions. It knows no business word, and no table but its own.
//
// # What is always true
//
//   - One SQL text runs on both engines. Only Insert, Each and Find differ inside: a prepared loop on
//     SQLite, unnest on PostgreSQL.
//   - A transaction that was answered is durable. An unknown outcome is read back, never guessed.
//   - A function given to Write or Batch may run twice and must change nothing outside its Tx.
//   - Write transactions of one slot are numbered without gaps in the order in which they committed.
package db
