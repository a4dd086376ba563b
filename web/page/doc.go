// Package page is the shared look of all pages: the document around them, the components inside them, the headers they
// are sent with and the texts that these have of their own.
//
// It owns the style sheets, the font, the icons, the marks, the check of an operator's own look, and the page of an
// error. It does not own any page: each surface writes its own body out of these components, with plain values and
// with texts from catalogues of its own (internal/words). A page is made like this:
//
//	func (s *Surface) overview(w http.ResponseWriter, r *http.Request) error {
//		v := s.look.View(r, buyer.Language) // their own language, "" where nobody is known
//		v.Title = s.texts.In(v.Lang).Title
//		return s.look.Write(w, r, http.StatusOK, v, overview(v, data)) // a templ component: what stands in main
//	}
//
//	mux.Handle("GET /my", look.Page(s.overview)) // headers, cross-origin check, errors as pages
//
// # The language of a page
//
// ?lang=fr, which the language menu of every page links to, wins; then the buyer's own language where one is known;
// then what the browser accepts; then English. There is no cookie for it: a page that was asked for with ?lang hands it
// on through View.Link to the pages that it links to, so a chosen language lasts as long as a visit, an address says
// what it shows, and a person who is known gets their own language everywhere without choosing.
//
// # What is always true
//
//   - A page works without script. Its content policy allows none, or one file of ours where a page asks for its copy
//     buttons or for news of what it waits for; everything that it loads, and everything that it asks, is its own.
//   - Style sheets, font and icons have the hash of their content in their name, so they are kept for ever.
//   - Every pair of colours that is read passes in light and in dark, also with an operator's own values.
//   - The identity of the operator comes from one value, merchants.Operator.
package page
