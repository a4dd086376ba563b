package page

import (
	"slices"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/words"
	"achteraf/money"

	"github.com/a-h/templ"
)

// Status is how a bill or a request stands. It shows as a shape and a word, always both.
type Status string

// Every status there is.
const (
	Open    Status = "open"
	Soon    Status = "soon"
	Late    Status = "late"
	Paid    Status = "paid"
	OnHold  Status = "hold"
	Planned Status = "planned"
	Back    Status = "back" // credited, on its way back
	Refused Status = "refused"
	Review  Status = "review"
)

// Statuses are all, in the order of the catalogue.
func Statuses() []Status {
	return []Status{Open, Soon, Late, Paid, OnHold, Planned, Back, Refused, Review}
}

// Answer is what a slip says: how much, until when, what happens next. Words between *stars* are stressed.
type Answer struct {
	ID       string // of its heading; "now" when empty
	Status   Status // a shape before the label; "" for none
	Label    string // "To pay now, two bills"
	Sum      money.Amount
	Until    string    // "by *Friday 4 December*. You have 8 days left."
	Calendar *Calendar // nil: no ruler
	Next     string    // "*What happens next?* A free reminder on 7 December."
	Actions  []Action
}

func (a Answer) id() string { return first(a.ID, "now") }

// Action is a button. With Href it is a link, without it sends its form.
type Action struct {
	Text, Href  string
	Icon        string // "" for none
	Kind        Kind
	Name, Value string // what it sends
	Wide, Small bool
	Off         bool // cannot be done now; the reason stands beside it
	Busy        bool
}

// Kind is how much a button asks for attention. There is one Main or Mark in view.
type Kind string

// Every kind of button.
const (
	Second Kind = ""
	Main   Kind = "main"
	Mark   Kind = "mark"  // the one action of a slip
	Quiet  Kind = "quiet" // beside another
	Grave  Kind = "grave" // what cannot be undone
)

func (a Action) class() string {
	c := "btn"
	if a.Kind != Second {
		c += " btn--" + string(a.Kind)
	}
	if a.Wide {
		c += " btn--wide"
	}
	if a.Small {
		c += " btn--sm"
	}
	return c
}

// Calendar is what a ruler shows.
type Calendar struct {
	Today    calendar.Date
	Dues     []Due
	CostFrom calendar.Date // the first day on which any cost is possible; zero: none is
}

// Due is a day on which something has to be paid.
type Due struct {
	On  calendar.Date
	Sum money.Amount
}

// mostDues is how many due days a ruler names.
const mostDues = 3

// ruler is a calendar laid out: columns count from 1, a Monday.
type ruler struct {
	days  int // 14, 21 or 28
	today int
	dues  []Due
	at    []int // the columns of dues
	more  int   // due days that have no place
	free  bool  // there is room for the last day without costs
}

// lay finds the shortest ruler on which most due days have room, with their labels side by side. It begins on a
// Monday, one week earlier when a label would stand outside.
func (c Calendar) lay() ruler {
	dues := c.ahead()
	start := c.Today.AddDays(-((int(c.Today.Weekday()) + 6) % 7))
	if len(dues) > 0 && dues[0].On.Sub(start) < 2 {
		start = start.AddDays(-7)
	}
	best := c.place(dues, start, 14)
	for _, days := range []int{21, 28} {
		if r := c.place(dues, start, days); r.more < best.more || r.more == best.more && r.free && !best.free {
			best = r
		}
	}
	return best
}

// says whether the ruler tells anything: where every due day lies beyond its end, the words above it say more.
func (c Calendar) says() bool {
	r := c.lay()
	return len(r.dues) > 0 || r.more == 0
}

// ahead are the due days from today on, each once, in order.
func (c Calendar) ahead() []Due {
	var all []Due
	sorted := slices.SortedStableFunc(slices.Values(c.Dues), func(a, b Due) int { return a.On.Compare(b.On) })
	for _, d := range sorted {
		if d.On.Before(c.Today) {
			continue
		}
		if n := len(all); n > 0 && all[n-1].On == d.On {
			if sum, err := all[n-1].Sum.Add(d.Sum); err == nil {
				all[n-1].Sum = sum
				continue
			}
		}
		all = append(all, d)
	}
	return all
}

func (c Calendar) place(dues []Due, start calendar.Date, days int) ruler {
	r := ruler{days: days, today: c.Today.Sub(start) + 1}
	apart := (days*4 + 20) / 21 // columns that a label takes on a phone
	last := 0
	for _, d := range dues {
		at := d.On.Sub(start) + 1
		if at > days-1 || len(r.dues) == mostDues || last > 0 && at-last < apart {
			r.more++
			continue
		}
		r.dues, r.at, last = append(r.dues, d), append(r.at, at), at
	}
	r.free = !c.CostFrom.IsZero() && last <= days*4/7 // the last label is twice as wide
	return r
}

// label says the ruler to those who do not see it.
func (c Calendar) label(l words.Lang) string {
	var days []string
	for _, d := range c.ahead() {
		days = append(days, l.Amount(d.Sum)+" "+l.Day(d.On, c.Today))
	}
	text := say(l).RulerLabel.With("today", l.Day(c.Today, c.Today), "days", first(strings.Join(days, ", "), "–"))
	if !c.CostFrom.IsZero() {
		text += " " + say(l).FreeUntil.With("day", l.Day(c.CostFrom, c.Today)) + "."
	}
	return text
}

// Step is one moment of a time line, past or to come.
type Step struct {
	Kind  StepKind
	On    calendar.Date
	Title string          // a fact in the past tense, or a step in the present tense
	Text  string          // words between *stars* are stressed
	Body  templ.Component // more than text, such as a link; nil for none
	Owed  money.Amount    // what one would owe on that day
	Cost  money.Amount    // of a step to come: what it adds. Zero says that it is free
}

// StepKind is what a step is, and so how it is drawn.
type StepKind int

// Every kind of step. Today stands exactly once, Ending directly after it.
const (
	Past   StepKind = iota
	Held            // a hold began
	Today           // Title and Text are not shown
	Ending          // the good ending: pay until On and it is done
	Fork            // Title introduces the steps that are not certain
	Next            // may come, and is free unless it has a Cost
)

// mostPast is how many past steps are open; older ones fold.
const mostPast = 6

// folded splits off the past steps that fold away.
func folded(steps []Step) (old, rest []Step) {
	past := 0
	for past < len(steps) && steps[past].Kind <= Held {
		past++
	}
	n := max(past-mostPast, 0)
	return steps[:n], steps[n:]
}

func (s Step) class() string {
	return [...]string{Past: "tl", Held: "tl", Today: "tl tl--today", Ending: "tl tl--done", Fork: "tl tl--next tl--fork", Next: "tl tl--next"}[s.Kind]
}

func (s Step) sign() templ.Component {
	switch {
	case s.Kind == Held:
		return sign("s-hold", OnHold)
	case s.Kind == Ending:
		return sign("s-paid", Paid)
	case s.Kind == Next && !s.Cost.IsZero():
		return sign("s-cost", "cost")
	case s.Kind == Next:
		return sign("s-next", "next")
	}
	return sign("s-past", "past")
}

func (s Step) when(l words.Lang, today calendar.Date) string {
	switch s.Kind {
	case Today:
		return say(l).TodayIs.With("day", l.ShortestWeekday(s.On))
	case Ending:
		return say(l).UntilDay.With("day", l.ShortWeekday(s.On, today))
	}
	return l.ShortWeekday(s.On, today)
}

// Bill is one row of a list of bills. The whole row is one link.
type Bill struct {
	Href   string
	Status Status
	Word   string        // of the status: "8 days left"
	On     calendar.Date // the date that counts: the pay day, or the day it was paid
	Pause  string        // in the place of the date where a hold stops it: "pause"
	Who    string
	What   string
	Sum    money.Amount
	Small  string // below the sum
	Bare   bool   // it has no sum: it is a message
}
