package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/providers/mollie"
)

// TestDoctorAsksTheProvider holds that a wrong key, a wrong token and a provider that is gone are told apart from one
// that answers, and that no line holds the key.
func TestDoctorAsksTheProvider(t *testing.T) {
	const key, token = "live_goodgoodgood", "access_goodgoodgood"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/settlements") && r.Header.Get("Authorization") == "Bearer "+token:
			w.Write([]byte(`{"_embedded":{"settlements":[]}}`))
		case r.Header.Get("Authorization") == "Bearer "+key:
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"status":404,"title":"Not Found"}`))
		default:
			w.WriteHeader(http.StatusUnauthorized)
			w.Write([]byte(`{"status":401,"title":"Unauthorized Request"}`))
		}
	}))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct{ name, base, key, token, want string }{
		{"all is well", server.URL, key, token, ""},
		{"without settlements", server.URL, key, "", ""},
		{"a wrong key", server.URL, "live_wrongwrong", token, "refuses"},
		{"a wrong token", server.URL, key, "access_wrongwrong", "refuses"},
		{"gone", gone.URL, key, token, "does not answer"},
	} {
		err := checkPSP(t.Context(), mollie.New(c.base, c.key, c.token, server.Client()))
		if said := describeAll(err); (c.want == "") != (err == nil) || !strings.Contains(said, c.want) || strings.Contains(said, c.key) || strings.Contains(said, "access_") {
			t.Errorf("%s: %s", c.name, said)
		}
	}
}

func describeAll(err error) string {
	if err == nil {
		return ""
	}
	return describe(err)
}

// TestDoctorSeesMailsThatWait: none, one that has just come, and one that waits for long.
func TestDoctorSeesMailsThatWait(t *testing.T) {
	d, err := migrated(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if what, err := checkWaiting(t.Context(), d); err != nil || what != "no mail waits" {
		t.Errorf("none: %s %v", what, err)
	}
	for _, c := range []struct {
		age  time.Duration
		want string
	}{{time.Minute, "1 wait"}, {2 * time.Hour, "2 wait, the oldest for 2h"}} {
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `
insert into messages (id, merchant_id, subject, code, version, purpose, template, language, order_id, person_id, handle, key_id, recipient, content, state, attempts, outcome, made_at)
values ($1, 'm', $1, 'invoice', 1, 'claim', 1, 'nl', 'o', 'p', $2, 'k', $2, $2, 'waiting', 1, '451', $3)`, c.want, []byte{1}, tx.Now.Add(-c.age))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		what, err := checkWaiting(t.Context(), d)
		if err != nil {
			what = err.Error()
		}
		if !strings.Contains(what, c.want) || (err != nil) != (c.age > mostWait) {
			t.Errorf("%s: %s %v", c.age, what, err)
		}
	}
}
