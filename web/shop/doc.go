// Package shop is the web shop of the demonstration: an invented potter, a few goods to buy, a basket and a till.
//
// It owns the goods with their prices and drawings, the basket in a signed cookie, the pages, and the calls that a shop
// makes: it opens a checkout and starts an order over the public API with a key of its own, as any other shop would. It
// does not own anything of the platform, imports no stage of it, and sees no database. No platform for real use serves it.
//
// # What is always true
//
//   - What is paid is counted here from the goods; the cookie says only which and how many.
//   - The same basket sent twice opens one checkout.
//   - Every page works without script.
package shop
