package checkout

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"achteraf/buyers"
	"achteraf/calendar"
	"achteraf/internal/fault"
	"achteraf/internal/vault"
)

const (
	// Life is how long a checkout lives in wall time unless it was opened for less.
	Life = time.Hour
	// MostAttempts is how often an order may be decided on at one checkout.
	MostAttempts = 3
)

// FactEnded is the kind of due row by which this stage says that a checkout has ended; see docs/adr/0013. Its subject
// is the checkout. Ask invoices.Till how it ended: it may come twice, the second time for an order after all.
const FactEnded = "checkout.ended"

// Key names a checkout of a shop.
type Key struct{ Merchant, ID string }

// Draft is an order without its buyer. Its json is the stored form: a member may be added, none may change.
type Draft struct {
	Prices       string `json:"prices"`
	Lines        []Line `json:"lines"`
	TermsVersion string `json:"terms_version,omitempty"`
	Workflow     int64  `json:"workflow,omitempty"` // of the shop, by number; 0: its ordinary contract
}

// Line is one thing to be ordered, as orders.Line has it.
type Line struct {
	Reference      string `json:"reference,omitempty"`
	Kind           string `json:"kind"`
	Description    string `json:"description"`
	Quantity       string `json:"quantity"`
	UnitPriceCents int64  `json:"unit_price_cents"`
	VATPercent     string `json:"vat_percent"`
	ReturnMark     string `json:"return_mark,omitempty"`
	TotalCents     int64  `json:"total_cents"`
}

// Returns is where a buyer goes from the till, as the shop gave it: never changed, encoded anew or added to. All but
// Success may be empty.
type Returns struct {
	Success string `json:"success"`           // only once the order is stored
	Failure string `json:"failure,omitempty"` // to pay in another way
	Cancel  string `json:"cancel,omitempty"`
	Back    string `json:"back,omitempty"` // for a look at the shop, while the checkout waits
}

// ToFailure is where a buyer goes who was not accepted. Like the others it is never Success, at which a shop takes the
// order for placed; "" when the shop named no way.
func (r Returns) ToFailure() string { return first(r.Failure, r.Cancel, r.Back) }

// ToCancel is where a buyer goes who does not want to pay later.
func (r Returns) ToCancel() string { return first(r.Cancel, r.Back, r.Failure) }

// ToBack is the way to the shop while nothing is decided.
func (r Returns) ToBack() string { return first(r.Back, r.Cancel, r.Failure) }

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// mostURL is how long an address may be, in bytes.
const mostURL = 2000

// Check returns what is wrong with the addresses; at is the JSON pointer of r, such as "#/return_urls". plain allows
// http, for a demonstration on this machine.
func (r Returns) Check(at string, plain bool) []fault.Field {
	c := &fault.Checker{}
	if r.Success == "" {
		c.Wrong(at+"/success", "required", "Say where the buyer goes once the order is placed.")
	}
	for _, u := range []struct{ name, value string }{{"success", r.Success}, {"failure", r.Failure}, {"cancel", r.Cancel}, {"back", r.Back}} {
		switch {
		case u.value == "":
		case len(u.value) > mostURL:
			c.Wrong(at+"/"+u.name, "too-long", "At most %d characters for an address.", mostURL)
		case !webAddress(u.value, plain):
			c.Wrong(at+"/"+u.name, "url", "Give a whole address that begins with https://, in the characters of a URL.")
		}
	}
	return c.Found
}

// webAddress says whether a browser can be sent there as it is: RFC 3986 has visible ASCII only.
func webAddress(s string, plain bool) bool {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Opaque != "" {
		return false
	}
	odd := strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) })
	return !odd && (strings.HasPrefix(s, "https://") || plain && strings.HasPrefix(s, "http://"))
}

// Checkout is a stored checkout as it stands now. Draft and Buyer are nil once it has ended.
type Checkout struct {
	Key
	Reference  string
	State      State
	Language   string
	Currency   string
	TotalCents int64
	Draft      *Draft
	Buyer      *buyers.Buyer // what is known of the buyer: from the shop, then as last typed
	Returns    Returns
	Straight   bool // an accepted buyer goes to Returns.Success without a page of ours between
	Attempts   int64
	Attempt    string // the last decided one, "" for none
	Order      string // "" unless accepted
	MadeAt     calendar.Instant
	ExpiresAt  calendar.Instant
	EndedAt    calendar.Instant // zero: it goes on
}

// Ended says whether nothing can be ordered here any more.
func (c *Checkout) Ended() bool { return !c.EndedAt.IsZero() }

// Left is how many attempts are left.
func (c *Checkout) Left() int64 {
	if c.Ended() {
		return 0
	}
	return MostAttempts - c.Attempts
}

// New is a checkout to open. Its order has been checked.
type New struct {
	Merchant   string
	Reference  string
	Language   string // of the page until the buyer chooses another; "" is that of the browser
	Currency   string
	TotalCents int64
	Draft      Draft
	Buyer      buyers.Buyer // what is known; all of it may be missing
	Returns    Returns
	Straight   bool
	Life       time.Duration // 0 is the package's Life, which is also the longest
}

const purpose = "checkout"

func place(column, id string) vault.Place {
	return vault.Place{Table: "checkouts", Column: column, Row: id}
}

// seal writes v as json and seals it for a column.
func (d *Desk) seal(column, id string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return d.vault.SealShared(purpose, place(column, id), plain), nil
}

// open reads what seal wrote; nothing there leaves into as it is.
func (d *Desk) open(column, id string, s vault.Sealed, into any) error {
	if len(s) == 0 {
		return nil
	}
	plain, err := d.vault.OpenShared(purpose, place(column, id), s)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", column, id, err)
	}
	return json.Unmarshal(plain, into)
}
