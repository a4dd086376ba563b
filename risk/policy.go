// Package risk decides whether an order may be paid after delivery.
//
// It owns the dated policies, the facts that they look at, and the record of each decision with its facts,
// rule hits and reasons. It does not own what is known of a buyer (buyers) nor what follows from a
// decision (orders, invoices).
//
// # What is always true
//
//   - Every attempt has exactly one decision, kept with the version of the policy that made it.
//   - The same facts under the same policy give the same decision.
//   - A mistake in a field is never a reason to refuse; it is sent back before anything is decided.
package risk

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"achteraf/calendar"

	"github.com/BurntSushi/toml"
)

//go:embed policies/*.toml
var policyFiles embed.FS

// Classes of decision, which is all that a shop learns.
const (
	Accepted    = "accepted"
	NotAccepted = "not_accepted"
	Identify    = "identify" // the buyer can go on by proving who they are
	Review      = "review"   // a person looks at it
)

// classOf maps a rule's outcome to the class of the decision, the strictest first.
var classOf = []struct{ outcome, class string }{
	{"declined", NotAccepted}, {"review", Review}, {"identify", Identify},
}

// Policy is one dated set of limits and rules.
type Policy struct {
	Version   string
	ValidFrom calendar.Date
	limits    []limit
	rules     []rule
}

type limit struct {
	Country string
	Buyer   string
	Cents   int64
}

type rule struct {
	ID      string
	Outcome string
	Reason  string
	When    condition
	Only    only
	read    func(*Facts) int64
}

type condition struct {
	Fact  string
	Is    *int64
	Over  *int64
	Under *int64
}

type only struct{ Country, Buyer, Model string }

// Facts are what a decision looks at: the order and what is known of its buyer.
type Facts struct {
	Country        string `json:"country"`
	Buyer          string `json:"buyer"`
	Model          string `json:"model"`
	AmountCents    int64  `json:"amount_cents"`
	LimitCents     int64  `json:"limit_cents"` // 0: not served
	OpenCents      int64  `json:"open_cents"`
	Overdue        int64  `json:"overdue"`
	Age            int64  `json:"age"` // years; -1 for a company, and where nobody said
	AgeVerified    bool   `json:"age_verified"`
	AttemptsToday  int64  `json:"attempts_today"`
	AttemptsWeek   int64  `json:"attempts_week"`
	Orders         int64  `json:"orders"`
	BlockedAddress bool   `json:"blocked_address"`
	BlockedPerson  bool   `json:"blocked_person"`
	BlockedIP      bool   `json:"blocked_ip"`
}

// readers is every fact that a rule may name.
var readers = map[string]func(*Facts) int64{
	"amount_cents":     func(f *Facts) int64 { return f.AmountCents },
	"limit_cents":      func(f *Facts) int64 { return f.LimitCents },
	"open_cents":       func(f *Facts) int64 { return f.OpenCents },
	"over_limit_cents": func(f *Facts) int64 { return f.AmountCents - (f.LimitCents - f.OpenCents) },
	"overdue":          func(f *Facts) int64 { return f.Overdue },
	"age":              func(f *Facts) int64 { return f.Age },
	"minor":            func(f *Facts) int64 { return truth(0 <= f.Age && f.Age < 18) },
	"age_verified":     func(f *Facts) int64 { return truth(f.AgeVerified) },
	"attempts_today":   func(f *Facts) int64 { return f.AttemptsToday },
	"attempts_week":    func(f *Facts) int64 { return f.AttemptsWeek },
	"orders":           func(f *Facts) int64 { return f.Orders },
	"blocked_address":  func(f *Facts) int64 { return truth(f.BlockedAddress) },
	"blocked_person":   func(f *Facts) int64 { return truth(f.BlockedPerson) },
	"blocked_ip":       func(f *Facts) int64 { return truth(f.BlockedIP) },
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Policies are the dated policies, the latest first.
type Policies struct{ list []*Policy }

// Default reads the policies that ship with the platform.
func Default() (*Policies, error) {
	files, err := fs.Sub(policyFiles, "policies")
	if err != nil {
		return nil, err
	}
	return Load(files)
}

// Load reads every *.toml of a folder. A file with a fact, outcome or key that is not known does not load.
func Load(files fs.FS) (*Policies, error) {
	names, err := fs.Glob(files, "*.toml")
	if err != nil || len(names) == 0 {
		return nil, errors.Join(err, errors.New("no policy found"))
	}
	p := &Policies{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		one, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", name, err)
		}
		p.list = append(p.list, one)
	}
	slices.SortFunc(p.list, func(a, b *Policy) int { return b.ValidFrom.Compare(a.ValidFrom) })
	return p, nil
}

func parse(text string) (*Policy, error) {
	var file struct {
		Version   string
		ValidFrom toml.Primitive `toml:"valid_from"`
		Limit     []limit
		Rule      []rule
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return nil, err
	}
	var day string
	if err := meta.PrimitiveDecode(file.ValidFrom, (*tomlDate)(&day)); err != nil {
		return nil, err
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return nil, fmt.Errorf("unknown key %s", extra[0])
	}
	p := &Policy{Version: file.Version, limits: file.Limit, rules: file.Rule}
	if p.ValidFrom, err = calendar.ParseDate(day); err != nil {
		return nil, err
	}
	if p.Version == "" {
		return nil, errors.New("needs a version")
	}
	for i := range p.rules {
		if err := p.rules[i].ready(); err != nil {
			return nil, fmt.Errorf("rule %q: %w", p.rules[i].ID, err)
		}
	}
	return p, nil
}

// ready checks a rule and finds the reader of its fact.
func (r *rule) ready() error {
	given := 0
	for _, v := range []*int64{r.When.Is, r.When.Over, r.When.Under} {
		if v != nil {
			given++
		}
	}
	r.read = readers[r.When.Fact]
	switch {
	case r.ID == "" || r.Reason == "":
		return errors.New("needs an id and a reason")
	case r.read == nil:
		return fmt.Errorf("unknown fact %q", r.When.Fact)
	case given != 1:
		return errors.New("needs exactly one of is, over, under")
	case !slices.ContainsFunc(classOf, func(c struct{ outcome, class string }) bool { return c.outcome == r.Outcome }):
		return fmt.Errorf("unknown outcome %q", r.Outcome)
	}
	return nil
}

// hit says whether the rule holds for these facts.
func (r *rule) hit(f *Facts) bool {
	if (r.Only.Country != "" && r.Only.Country != f.Country) || (r.Only.Buyer != "" && r.Only.Buyer != f.Buyer) ||
		(r.Only.Model != "" && r.Only.Model != f.Model) {
		return false
	}
	v := r.read(f)
	switch {
	case r.When.Is != nil:
		return v == *r.When.Is
	case r.When.Over != nil:
		return v > *r.When.Over
	}
	return v < *r.When.Under
}

// InForce returns the policy of a civil date: the latest that had begun by then.
func (p *Policies) InForce(on calendar.Date) (*Policy, error) {
	for _, one := range p.list {
		if !one.ValidFrom.After(on) {
			return one, nil
		}
	}
	return nil, fmt.Errorf("no policy is in force on %s", on)
}

// Limit returns what a buyer of this kind may have open in a country, in cents; 0 where we do not serve. A
// contract may raise it for consumers, never lower it below the policy's.
func (p *Policy) Limit(country, buyer string, contractCents int64) int64 {
	for _, l := range p.limits {
		if l.Country == country && l.Buyer == buyer {
			return max(l.Cents, contractCents)
		}
	}
	return 0
}

// Decision is the outcome of one attempt.
type Decision struct {
	Class   string
	Policy  string
	Reasons []string // for the buyer: what stood in the way
	Hits    []string // ids of the rules that held
}

// Decide tries every rule.
func (p *Policy) Decide(f *Facts) Decision {
	d := Decision{Class: Accepted, Policy: p.Version}
	strictest := len(classOf)
	for i := range p.rules {
		r := &p.rules[i]
		if !r.hit(f) {
			continue
		}
		d.Hits = append(d.Hits, r.ID)
		if !slices.Contains(d.Reasons, r.Reason) {
			d.Reasons = append(d.Reasons, r.Reason)
		}
		for rank, c := range classOf {
			if c.outcome == r.Outcome && rank < strictest {
				strictest, d.Class = rank, c.class
			}
		}
	}
	return d
}

// tomlDate takes a TOML date, or text, as YYYY-MM-DD.
type tomlDate string

func (d *tomlDate) UnmarshalTOML(v any) error {
	switch x := v.(type) {
	case string:
		*d = tomlDate(x)
	case interface{ Format(string) string }:
		*d = tomlDate(x.Format("2006-01-02"))
	default:
		return errors.New("valid_from must be a date")
	}
	return nil
}

// Join writes reasons or hits for storage.
func Join(list []string) string { return strings.Join(list, ",") }
