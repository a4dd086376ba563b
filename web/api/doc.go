// Package api is the JSON API for programs under /v1: orders in, orders out.
//
// It owns the shapes of messages on the wire, their strict reading, the problems that callers see, and the one
// table of routes from which the handlers, the OpenAPI document and the reference page are made. It does not own
// who may call (access), what makes an order right (orders, buyers), or what becomes of it (invoices).
//
// # What is always true
//
//   - Authority comes from the credential, never from the message. Another merchant's order is not there.
//   - A message is read strictly: unknown and repeated members, wrong types, invalid UTF-8 and anything after the
//     end are refused, each with its place.
//   - Nothing that was sent is repeated in a problem or written to the log; only the place of an unknown member is
//     named, when its name is made of small letters, as ours are.
//   - A 4xx has changed nothing. A write happens once for each idempotency key, and its answer is kept with it.
package api
