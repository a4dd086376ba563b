// Package pay is the page on which anybody who was given its address pays one invoice: the buyer from a mail or a
// document, or a friend, a parent or an administrator who has no account here.
//
// It owns the page, the way to the bank and back, and their texts. It does not own the links (invoices), what is open
// (reports), the payments (payments) nor the look (web/page).
//
// # What is always true
//
//   - It shows what is open now, whatever a mail or a document said when it was made.
//   - It shows the shop, the amount and the reference, and nothing about who owes it.
//   - Nothing keeps or passes on its address: no cache, no search engine, no referrer.
//   - What the way back from the bank claims is not believed: the provider is asked.
package pay
