// Package messages tells people what has happened to their order, by mail.
//
// It owns the texts in four languages, the words of shops to their buyers, requests for an invoice until they are
// answered, the message as it was rendered, and how its hand-over to the mail server ended. It does not own the facts (orders, invoices), the connection to a mail
// server (providers/smtp) or when something becomes true: the stage that makes it so plants a due row, and a verb of
// this package answers it.
//
// # What is always true
//
//   - A message is rendered outside of a transaction, from facts of one moment, and stored with a due row that sends
//     it. It says the same however late it is sent.
//   - There is one message for each code, subject and version, so a fact that is told twice is mailed once.
//   - Address, text and the server's words are sealed under the person's key; the log and the due rows hold ids.
//   - Whoever reads a mail about an order can ask whether it is ours, by a code that only we can make. The answer
//     never says to whom it went.
//   - Who asks for an invoice learns nothing from the answer: it is a mail to the address that the order has, at most
//     once an hour for each invoice.
//   - Texts, templates and facts fit, in every language, before the first message is made: New fails otherwise.
//   - Money does not wait for mail, and mail does not wait for a slow server: sending runs outside a transaction.
//
// # What is promised about sending twice
//
// A message is handed over until the server has taken it, refused it for good, or three days have passed. Once its
// acceptance is stored it is never handed over again, however often its due row runs and on however many nodes. An
// attempt hands it over once: there is no second try inside it. What remains is a gap that no mail server closes: when
// the process dies, or the line breaks, after the server took the message and before we stored that, the next attempt
// hands it over again. It then carries the same Message-ID and the same Date, so that a mailbox shows it once.
package messages
