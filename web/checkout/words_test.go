package checkout

import (
	"testing"

	"achteraf/internal/words"
)

// TestTexts: every text is there in four languages, and the button says what the law of its language wants.
func TestTexts(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range map[words.Lang]string{words.NL: "Bestelling met betalingsverplichting", words.FR: "Commande avec obligation de paiement",
		words.EN: "Order with obligation to pay", words.DE: "Zahlungspflichtig bestellen"} {
		if got := s.texts.In(l).Button; got != want {
			t.Errorf("%s: %q", l, got)
		}
	}
}

// TestDates: a date of birth as people and browsers write it.
func TestDates(t *testing.T) {
	for typed, want := range map[string]string{"1-5-1990": "1990-05-01", "01/05/1990": "1990-05-01", "1.5.1990": "1990-05-01", "1 5 1990": "1990-05-01",
		"1990-05-01": "1990-05-01", "01051990": "1990-05-01", "29-2-2000": "2000-02-29",
		"29-2-2001": "", "31-4-1990": "", "1-13-1990": "", "1-5-90": "", "90-5-1": "", "1 mei 1990": "", "1-5": "", "1-5-1990-2": "", "٣-٥-١٩٩٠": "", "0-0-0000": "", "-": ""} {
		got, unread := dateOf(typed)
		if want == "" && !unread || want != "" && (unread || got.String() != want) {
			t.Errorf("%q is %s, unread %t", typed, got, unread)
		}
	}
	if d, unread := dateOf(""); unread || !d.IsZero() {
		t.Error("nothing typed is no wrong date")
	}
}
