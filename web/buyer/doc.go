// Package buyer is what people see of their own orders, at /my: the sign-in, the overview, the list of all
// bills, the page of one order with its documents, what was mailed about them, where one is signed in, and help.
//
// It owns these pages, their texts and their cookies. It does not own who may see what (access, reports), any sum
// (reports), how a letter looks (messages) or the page that takes a payment.
//
// # What is always true
//
//   - Nothing is shown but what belongs to the addresses that were proved in this session; all else is not there (404).
//   - To ask for a link is answered alike for an address that we know and one that we do not.
//   - Opening a link changes nothing; only the button on its page signs in.
//   - A page is in one language: the one chosen by hand, else that of the buyer's latest order.
package buyer
