// Package access decides who may do what, and remembers what was done with which key.
//
// It owns API keys, scopes, sign-in links and sessions of buyers, the memory of idempotency keys and the audit
// record. It does not own what a permitted act does, how a sign-in mail looks (messages) or how often a program
// may call (web/api).
//
// # What is always true
//
//   - Authority comes from the credential, never from a message.
//   - A key is shown once; the database holds a keyed hash. Revoking takes effect with its commit.
//   - The answer to a request and its effect are stored in one transaction: the same key gives the same
//     bytes, and has its effect once.
//   - A sign-in link opens one session, once, within 15 minutes, in the browser that asked for it; in another
//     only with the code. To ask for one looks, and takes, the same whether we know the address or not.
//   - A session proves e-mail addresses, as handles, and no person. Its cookie is 256 random bits, of which the
//     database holds the SHA-256.
//   - A sign-in on a device that was not known before is told to the address that was proved.
//   - Links, sessions and limits live in wall time.
//   - Who makes or ends a credential is recorded in the same transaction.
package access
