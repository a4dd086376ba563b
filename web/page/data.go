package page

import (
	"fmt"
	"strings"

	"achteraf/calendar"
	"achteraf/money"

	"github.com/a-h/templ"
)

// Door is a way on. Its second line says what it does to the money.
type Door struct {
	Href, Icon   string
	Text, Effect string
	Download     bool
}

// Copied is a value that a person takes elsewhere, such as an IBAN.
type Copied struct {
	Name, Value string
	Plain       string // what the button copies where that is not what is shown: an IBAN without spaces
}

// Key is a line of facts: its name left, its value right.
type Key struct {
	Name, Value string
	Total       bool
}

// Grid is a table.
type Grid struct {
	Caption string // for those who do not see it
	Heads   []Head
	Rows    []Row
	Foot    string   // "1 to 50 of 1,204"
	More    []Action // to other parts of the list
}

// Head is the head of a column.
type Head struct {
	Text   string
	Figure bool   // right
	Hide   bool   // on phones
	Href   string // sorts by it
	Sorted string // "ascending", "descending" or ""
}

// Row is one line of a table: as many cells as it has heads.
type Row struct {
	Cells  []templ.Component
	Chosen bool
}

// Account is every entry of a claim, with its running balance.
type Account struct {
	Today calendar.Date
	Lines []Entry
	Word  string // of the sum: "To pay"
	Sum   money.Amount
}

// Entry is one line of an account.
type Entry struct {
	On           calendar.Date
	What, Detail string
	Sum, Balance money.Amount
}

// Cell is a cell of plain text.
func Cell(text string) templ.Component { return templ.Raw(templ.EscapeString(text)) }

// quiet is the white border of a code in modules. Source: ISO/IEC 18004, 4 modules.
const quiet = 4

// outline draws the dark modules of a square code, a run of them at a time.
func outline(modules [][]bool) string {
	var b strings.Builder
	for y, row := range modules {
		for x := 0; x < len(row); x++ {
			run := x
			for run < len(row) && row[run] {
				run++
			}
			if n := run - x; n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, n, n)
				x = run
			}
		}
	}
	return b.String()
}

func viewBox(modules [][]bool) string {
	size := len(modules) + 2*quiet
	return fmt.Sprintf("-%d -%d %d %d", quiet, quiet, size, size)
}

func (h Head) class() string {
	switch {
	case h.Figure:
		return "n"
	case h.Hide:
		return "hide"
	}
	return ""
}

func (h Head) arrow() string {
	switch h.Sorted {
	case "ascending":
		return " ↑"
	case "descending":
		return " ↓"
	}
	return ""
}
