// Package words speaks to people in four languages: texts out of catalogues with their plurals, and amounts, dates
// and numbers in the form that the readers of a language expect.
//
// It owns the list of languages, how a language is chosen, the forms of amounts and dates, and the check of
// catalogues. It does not own any text: each package that speaks keeps its own catalogues beside its code, as
// nl.toml, fr.toml, en.toml and de.toml, and says in a struct which texts it uses:
//
//	//go:embed words
//	var files embed.FS
//
//	type texts struct {
//		Title string     // title = "Rekeningen"
//		Until words.Text // until = "uiterlijk {{.day}}"
//		Left  words.Text // [left] one = "nog {{.Count}} dag"  other = "nog {{.Count}} dagen"
//	}
//
//	all, err := words.Load[texts](files, "words")
//	say := all.In(words.NL)
//	say.Title; say.Until.With("day", words.NL.Weekday(due, today)); say.Left.Count(8)
//
// # What is always true
//
//   - A text that code uses is a field, so a wrong name does not compile; a field without a text in one of the four
//     languages, and a text without a field, fails Load. No page can be half in another language.
//   - The same text has the same marks in all languages, and every plural form that its language needs.
//   - Figures and their sign never break over a line, and a minus is U+2212.
package words
