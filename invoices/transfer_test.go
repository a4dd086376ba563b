package invoices_test

import (
	"testing"

	"achteraf/calendar"
	"achteraf/invoices"
)

func TestLatestTransfer_S_PAY_07(t *testing.T) {
	for _, c := range []struct{ name, due, want string }{
		{"in the week", "2026-12-04", "2026-12-02"},
		{"due on a Monday", "2026-12-07", "2026-12-03"},
		{"due on a Sunday", "2026-12-06", "2026-12-02"},
		{"over Christmas", "2026-12-28", "2026-12-23"},
		{"due on New Year's Day", "2027-01-01", "2026-12-29"},
		{"after Easter", "2027-03-30", "2027-03-24"},
	} {
		due, _ := calendar.ParseDate(c.due)
		if got := invoices.LatestTransfer(due).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
