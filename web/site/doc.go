// Package site is what everybody may read without being known: the home page, which says what this is, for whom, and
// where to go on; the page that says whether a mail is ours; and the form that has an invoice mailed.
//
// It owns the pages of the site and their texts. It does not own the look (web/page) nor any fact about a shop or a
// buyer.
//
// # What is always true
//
//   - Each page is there in four languages and the same for everybody who reads it in one.
//   - What is asked here is answered alike whoever asks, and to whom something was sent is never said.
//   - It links to what exists only: the surfaces of a demonstration are shown where they are served.
package site
