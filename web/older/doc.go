// Package older serves the older wire, so that a shop's existing plug-in works here by changing one address.
//
// It owns the accounts of that wire, its reading of sloppy messages, its own rules of fields, its codes and answers to
// the byte, the answers to checks that an order may use for a day, and the numbers by which its calls find orders. It
// does not own what becomes of an order: every call ends in the verbs of the stages that /v1 ends in.
//
// # What is always true
//
//   - A POST is never redirected, and an answer is HTTP 200 with the error in its body, whatever was sent.
//   - The account in the message is the only authority. What is wrong with it is never told.
//   - A message that is refused has changed nothing, and so has a dry run.
//   - A check reserves nothing; its answer is good for one order within 24 hours.
//   - Nothing that was sent is written to the log.
package older
