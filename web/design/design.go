package design

import (
	"net/http"

	"achteraf/calendar"
	"achteraf/internal/words"
	"achteraf/money"
	"achteraf/web/page"

	"github.com/a-h/templ"
)

// Routes adds the catalogue at /design.
func Routes(mux *http.ServeMux, look *page.Look) {
	mux.Handle("GET /design", look.Page(func(w http.ResponseWriter, r *http.Request) error {
		v := look.View(r, "")
		v.Lang, v.Title, v.Single = words.EN, "Catalogue", true
		v.Script, v.Tabs = true, true
		v.Menu = []page.Link{{Href: "#slip", Text: "Slip", Icon: "i-wallet"}, {Href: "#timeline", Text: "Time line", Icon: "i-clock", Count: 2},
			{Href: "#fields", Text: "Fields", Icon: "i-pencil"}, {Href: "/design", Text: "Catalogue", Icon: "i-eye", Here: true}}
		v.Theme = r.URL.Query().Get("theme")
		return look.Write(w, r, http.StatusOK, v, catalogue(v.Lang))
	}))
}

// today is the day of the examples: Thursday 26 November 2026.
var today = calendar.NewDate(2026, 11, 26)

func on(month, day int) calendar.Date {
	if month < 11 {
		return calendar.NewDate(2027, 1, day)
	}
	return calendar.NewDate(2026, 11, 1).AddMonths(month - 11).AddDays(day - 1)
}

func eur(cents int64) money.Amount { return money.EUR(cents) }

// chapter is one part of the catalogue.
type chapter struct{ id, title, about string }

var chapters = []chapter{
	{"colour", "Colour", "Calm paper, dark ink, one brand colour. Yellow means today, or the one thing to do on a slip. Nothing else is yellow."},
	{"type", "Type and amounts", "The reader's language writes the amount and the date."},
	{"status", "Status", "Shape and word, always both. In lists without a ground, in page heads with."},
	{"slip", "Answer slip", "How much, until when, what happens next. In this order, on every page about money."},
	{"ruler", "Ruler", "One tick is one day; Mondays are longer. Below 18 em it turns into a list."},
	{"timeline", "Time line", "Solid is past, yellow is today, dashed is not certain. The right column always says what one would owe on that day."},
	{"buttons", "Buttons", "One main button in view. The label says what happens, with the amount."},
	{"fields", "Fields", "Label above, help between label and field, error below with a shape and the way out."},
	{"choices", "Choices", ""},
	{"steps", "Steps", "On a phone only the present step keeps its words."},
	{"rows", "Bill rows", "The leaf shows the date that counts: the pay day, or the day it was paid."},
	{"doors", "Doors", "The second line says what the door does to the money."},
	{"table", "Table", "On a phone a row becomes a record."},
	{"notes", "Notes", "A fact, then its consequence."},
	{"verdict", "Verdict", "Yes or no is the first word."},
	{"empty", "Empty", "What will appear here and when, and one way on."},
	{"ledger", "Ledger", "Every entry, also the cost of nothing."},
	{"pay", "Pay data", "The code stands beside the same data as text."},
	{"icons", "Icons", "Always with a word."},
}

// swatches are the colours by name, with what they are for.
var swatches = []struct{ name, use string }{
	{"brand", "buttons, links"}, {"slip", "answer slip"}, {"mark", "today, main action on a slip"}, {"paper", "page"}, {"sheet", "areas"},
	{"well", "inset"}, {"line", "rules"}, {"edge", "control borders"}, {"ink", "text"}, {"ink-2", "second text"}, {"ink-3", "small notes"},
	{"paid", "paid"}, {"soon", "soon"}, {"late", "late, wrong"}, {"hold", "on hold"}, {"focus", "focus ring"},
}

// statusWords are the words of every status in the examples.
var statusWords = map[page.Status]string{page.Open: "To pay", page.Soon: "4 days left", page.Late: "Late", page.Paid: "Paid", page.OnHold: "On hold",
	page.Planned: "Planned", page.Back: "Credited", page.Refused: "Not accepted", page.Review: "In review"}

// slips are the states of the answer slip.
var slips = []page.Answer{
	{ID: "slip-open", Label: "To pay now", Sum: eur(89_90), Until: "by *Friday 4 December*. You have 8 days left.",
		Next:    "*What happens next?* If you pay later, a free reminder on 7 December.",
		Actions: []page.Action{{Text: "Pay €89.90", Href: "#slip", Kind: page.Mark}, {Text: "More time", Href: "#slip"}}},
	{ID: "slip-late", Status: page.Late, Label: "6 days late, still no cost", Sum: eur(89_90), Until: "Pay by *Monday 28 December* and it stays this amount.",
		Next:    "*What happens next?* From 29 December the fixed legal amount of €40.00 is added. Not before.",
		Actions: []page.Action{{Text: "Pay €89.90", Href: "#slip", Kind: page.Mark}, {Text: "I cannot pay now", Href: "#slip"}}},
	{ID: "slip-hold", Status: page.OnHold, Label: "On hold, nothing to pay now", Sum: eur(0), Until: "€149.00 waits for an answer of the shop.",
		Next:    "*What happens next?* The shop answers by Monday 30 November. If not, we propose to cancel the bill.",
		Actions: []page.Action{{Text: "See the case", Href: "#slip"}}},
	{ID: "slip-paid", Status: page.Paid, Label: "Paid on Thursday 26 November", Sum: eur(89_90), Until: "This order is done. Nothing follows.",
		Next:    "*Changed your mind?* You can return until 4 December. Money goes back to the account that paid.",
		Actions: []page.Action{{Text: "Receipt", Href: "#slip"}, {Text: "Return", Href: "#slip"}}},
}

// rulers are the states of the ruler: two due days, one on a near Monday, more than there is room for.
var rulers = []page.Answer{
	{ID: "ruler-two", Label: "Two due days", Sum: eur(129_85), Calendar: &page.Calendar{Today: today,
		Dues: []page.Due{{On: on(11, 30), Sum: eur(39_95)}, {On: on(12, 4), Sum: eur(89_90)}}, CostFrom: on(12, 25)}},
	{ID: "ruler-near", Label: "Due today", Sum: eur(24_50), Calendar: &page.Calendar{Today: on(11, 23), Dues: []page.Due{{On: on(11, 23), Sum: eur(24_50)}}}},
	{ID: "ruler-many", Label: "More than there is room for", Sum: eur(204_30), Calendar: &page.Calendar{Today: today,
		Dues: []page.Due{{On: on(11, 30), Sum: eur(39_95)}, {On: on(12, 1), Sum: eur(24_50)}, {On: on(12, 8), Sum: eur(89_90)}, {On: on(12, 16), Sum: eur(49_95)}}, CostFrom: on(12, 29)}},
}

// story is the time line with a hold, and with more past than stays open.
var story = []page.Step{
	{On: on(11, 10), Title: "Ordered"},
	{On: on(11, 10), Title: "Accepted"},
	{On: on(11, 11), Title: "Packed"},
	{On: on(11, 12), Title: "Shipped"},
	{On: on(11, 14), Title: "At the depot"},
	{On: on(11, 17), Title: "Delivered at 14:12", Text: "As the carrier says."},
	{On: on(11, 20), Title: "Invoice sent", Owed: eur(89_90)},
	{Kind: page.Held, On: on(11, 24), Title: "On hold", Text: "Return noted for *€40.00*", Owed: eur(49_90)},
	{Kind: page.Today, On: today, Owed: eur(49_90)},
	{Kind: page.Ending, On: on(12, 4), Title: "Pay in time and it is done", Text: "You get a receipt at once. Nothing follows.", Owed: eur(49_90)},
	{Kind: page.Fork, Title: "If you pay later, it goes like this:"},
	{Kind: page.Next, On: on(12, 7), Title: "Reminder", Text: "By mail.", Owed: eur(49_90)},
	{Kind: page.Next, On: on(12, 29), Title: "Collection costs", Text: "The fixed legal amount. Only if the letter really arrived.", Owed: eur(89_90), Cost: eur(40_00)},
	{Kind: page.Next, On: on(1, 12), Title: "A person looks at your case", Text: "You hear of it before anything else happens.", Owed: eur(89_90)},
}

// short is a time line of staff.
var short = []page.Step{
	{On: on(11, 20), Title: "Asked the shop"},
	{Kind: page.Held, On: on(11, 24), Title: "Bill on hold"},
	{Kind: page.Today, On: today},
	{Kind: page.Next, On: on(11, 30), Title: "The shop answers", Text: "If not, we propose to cancel the bill."},
}

// buttons are the states of a button.
var buttons = []page.Action{{Text: "Main", Kind: page.Main}, {Text: "Second"}, {Text: "Quiet", Kind: page.Quiet}, {Text: "Grave", Kind: page.Grave},
	{Text: "Not now", Off: true}, {Text: "Sending", Kind: page.Main, Busy: true}, {Text: "With icon", Icon: "i-share"}, {Text: "Small", Small: true}}

// fields are the states of a field.
var fields = []page.Field{
	{Name: "name", Label: "Name", Autocomplete: "name"},
	{Name: "phone", Label: "Phone", Optional: true, Help: "Only for the delivery", Type: "tel", Autocomplete: "tel"},
	{Name: "number", Label: "House number", Value: "twelve", Error: "Add a number, for example 12 or 12 B"},
	{Name: "birth", Label: "Birth date", Help: "Day, month, year", Value: "1 May 2090", Error: "This date is in the future"},
	{Name: "frozen", Label: "Not yours to change", Value: "Frozen after the check", Off: true},
	{Name: "country", Label: "Country", Type: "select", Options: []page.Option{{Value: "NL", Label: "Netherlands"}, {Value: "BE", Label: "Belgium", Chosen: true}}},
	{Name: "search", Label: "Search", Type: "search", Icon: "i-search"},
}

var (
	message = page.Field{Name: "message", Label: "Message", Type: "textarea", Max: 2000}
	amounts = []page.Option{{Value: "one", Label: "This bill", Help: "by 4 December", End: "€89.90", Chosen: true},
		{Value: "all", Label: "All that is open", Help: "two bills", End: "€129.85"}}
	people = []page.Option{{Value: "person", Label: "Person", Chosen: true}, {Value: "company", Label: "Company"}}
)

// bills are the rows of an overview.
var bills = []page.Bill{
	{Href: "#rows", Status: page.Soon, Word: "4 days left", On: on(11, 30), Who: "Tafelgoed Zuid", What: "Casserole with lid", Sum: eur(39_95)},
	{Href: "#rows", Status: page.Late, Word: "6 days late, still no cost", On: on(11, 20), Who: "Loopschuur", What: "Trail shoes and socks, size 39, with a text that is too long for its line", Sum: eur(89_90), Small: "free until 14 Dec"},
	{Href: "#rows", Status: page.Planned, Word: "on its way, expected 1 Dec", On: on(12, 15), Who: "Lichtboerderij", What: "Floor lamp", Sum: eur(149_00), Small: "at the earliest"},
	{Href: "#rows", Status: page.OnHold, Word: "paused for a return", Pause: "pause", Who: "Kamerplant Kwadraat", What: "Succulent, return on its way", Sum: eur(24_50), Small: "nothing to do"},
	{Href: "#rows", Status: page.Paid, Word: "paid", On: on(11, 12), Who: "Garenmolen Tien", What: "Merino wool, 6 balls", Sum: eur(31_20)},
}

var doors = []page.Door{
	{Href: "#doors", Icon: "i-clock", Text: "Ask for more time", Effect: "Free, answer at once"},
	{Href: "#doors", Icon: "i-box", Text: "Not arrived", Effect: "The due day moves"},
	{Href: "#doors", Icon: "i-shield", Text: "I did not order this", Effect: "Everything stops"},
	{Href: "#doors", Icon: "i-chat", Text: "Ask a person"},
	{Href: "#doors", Icon: "i-doc", Text: "Bill, PDF", Download: true},
}

// grid is a table with a sorted column, a chosen row and a row of nothing.
func grid(l words.Lang) page.Grid {
	row := func(id, when string, s page.Status, cents int64, chosen bool) page.Row {
		return page.Row{Chosen: chosen, Cells: []templ.Component{page.Anchor("#table", id), page.Cell(when), page.Chip(s, statusWords[s]), page.Amount(l, eur(cents))}}
	}
	return page.Grid{Caption: "Orders", Foot: "1 to 3 of " + l.Number(1204), More: []page.Action{{Text: "Next 50", Href: "#table", Small: true}},
		Heads: []page.Head{{Text: "Order"}, {Text: "Ordered", Hide: true, Href: "#table", Sorted: "descending"}, {Text: "Status"}, {Text: "Open", Figure: true}},
		Rows: []page.Row{row("LS-20957", "26 Nov 10:31", page.Planned, 64_90, false), row("LS-20940", "25 Nov 19:20", page.Open, 129_95, true),
			row("LS-20902", "15 Nov 09:13", page.Paid, 0, false)}}
}

var account = page.Account{Today: today, Word: "To pay", Sum: eur(69_95), Lines: []page.Entry{
	{On: on(11, 20), What: "Trail shoes, size 39", Detail: "1 × €79.95", Sum: eur(79_95), Balance: eur(79_95)},
	{On: on(11, 20), What: "Discount", Sum: eur(-10_00), Balance: eur(69_95)},
	{On: on(11, 26), What: "Costs for paying late", Detail: "none, and none before 29 December", Sum: eur(0), Balance: eur(69_95)},
}}

var (
	transfer = []page.Copied{{Name: "Amount", Value: "€69.95"}, {Name: "IBAN", Value: "NL20 ACHT 0000 0000 01", Plain: "NL20ACHT0000000001"},
		{Name: "Name", Value: "Stichting Derdengelden Achteraf Voorbeeld"}, {Name: "Reference", Value: "RF18 5390 0754 7034"}}
	parts = []page.Key{{Name: "Paused", Value: "€79.95"}, {Name: "Costs", Value: "€0.00"}, {Name: "To pay", Value: "€9.95", Total: true}}
	icons = []string{"i-alert", "i-back", "i-bank", "i-box", "i-cal", "i-chat", "i-check", "i-chev", "i-clock", "i-coin", "i-copy", "i-doc", "i-down",
		"i-eye", "i-globe", "i-help", "i-home", "i-info", "i-list", "i-lock", "i-menu", "i-msg", "i-pencil", "i-phone", "i-return", "i-scale",
		"i-search", "i-share", "i-shield", "i-sort", "i-store", "i-up", "i-user", "i-wallet"}
)

// pattern is a square of modules that only shows how a code is drawn; it says nothing.
func pattern() [][]bool {
	const size = 29
	modules := make([][]bool, size)
	for y := range modules {
		modules[y] = make([]bool, size)
		for x := range modules[y] {
			modules[y][x] = corner(x, y) || corner(size-1-x, y) || corner(x, size-1-y) ||
				!near(x, y) && !near(size-1-x, y) && !near(x, size-1-y) && (x*7+y*13+x*y)%5 < 2
		}
	}
	return modules
}

// corner is one of the three squares by which a reader finds a code.
func corner(x, y int) bool {
	ring := max(abs(x-3), abs(y-3))
	return ring == 3 || ring <= 1
}

// near is inside a corner or its white border.
func near(x, y int) bool { return x < 8 && y < 8 }

func abs(n int) int { return max(n, -n) }
