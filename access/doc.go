// Package access decides who may do what, and remembers what was done with which key.
//
// It owns API keys, scopes, the memory of idempotency keys and the audit record. It does not own what a
// permitted act does, nor how often somebody may knock (web/api).
//
// # What is always true
//
//   - Authority comes from the credential, never from a message.
//   - A key is shown once; the database holds a keyed hash. Revoking takes effect with its commit.
//   - The answer to a request and its effect are stored in one transaction: the same key gives the same
//     bytes, and has its effect once.
//   - Who makes or ends a credential is recorded in the same transaction.
package access
