package access

import (
	"testing"

	"achteraf/internal/fault"
)

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		name string
		who  Principal
		code string
	}{
		{"a live key with the scope", Principal{Mode: Live, scopes: []string{OrdersWrite}}, ""},
		{"a live key without it", Principal{Mode: Live, scopes: []string{OrdersRead}}, "scope"},
		{"a test key with every scope", Principal{Mode: Test, scopes: AllScopes()}, "test-key"},
		{"nobody", Principal{}, "test-key"},
	} {
		err := c.who.Need(OrdersWrite)
		if (c.code == "") != (err == nil) || (err != nil && !fault.Is(err, c.code)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
