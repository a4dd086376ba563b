// Package older serves the older wire, so that a shop's existing plug-in works here by changing one address.
//
// It owns the accounts of that wire, its reading of sloppy messages, its own rules of fields, its codes and answers to
// the byte, the answers to checks that an order may use for a day, the numbers by which its calls find orders, and what
// its shops are told of them. It does not own what becomes of an order: every call ends in the verbs of the stages that
// /v1 ends in, and a hosted session is a checkout.
//
// # What is always true
//
//   - A POST is never redirected. An answer of the XML half is HTTP 200 with the error in its body, one of the JSON half an
//     object in which every known reader finds the error, whatever was sent.
//   - The account in the message is the only authority. What is wrong with it is never told.
//   - A message that is refused has changed nothing, and so has a dry run.
//   - A check reserves nothing; its answer is good for one order within 24 hours.
//   - Nothing that was sent is written to the log.
//   - A shop is told outside transactions, of one order in the order in which things happened, and of nothing again once
//     it has said that it knows. Each try has the same id and the same body.
package older
