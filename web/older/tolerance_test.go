package older_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestNoRedirect: no POST is redirected, whatever its address, and one of this wire arrives however it was written.
func TestNoRedirect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		outer := http.NewServeMux()
		outer.Handle("/", w.Handler())
		outer.HandleFunc("POST /echo/{rest...}", func(rw http.ResponseWriter, r *http.Request) { _, _ = rw.Write([]byte(r.PathValue("rest"))) })
		h := w.Before(outer)
		ask := func(method, target string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, target, strings.NewReader(strings.Replace(envelope(private()), "{id}", w.id, 1)))
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			return rec
		}
		for _, target := range []string{"/API/check", "/./api/check", "/api/../api//check/", "/V1/Client/CHECK", "http://test.billink.nl//./api/check", "/x/../api/check"} {
			if got := ask("POST", target); code(got.Body.String()) != "500" {
				t.Errorf("%s: %d %s", target, got.Code, got.Body)
			}
		}
		for _, target := range []string{"//api/unknown", "//v1/client/unknown/", "/api//", "//", "//v1/orders", "//v2//x", "/a/%2e%2e/b", "/a%2F%2Fb", "http://x//y"} {
			if got := ask("POST", target); got.Code/100 == 3 {
				t.Errorf("%s: %d %s", target, got.Code, got.Header().Get("Location"))
			}
		}
		for target, want := range map[string]string{"/echo/a%2Fb": "a/b", "//echo//a%2Fb/": "a/b/", "/echo/x/../y": "y"} {
			if got := ask("POST", target); got.Body.String() != want {
				t.Errorf("%s: %d %s", target, got.Code, got.Body)
			}
		}
		if got := ask("GET", "//v1/orders"); got.Code/100 != 3 {
			t.Errorf("a GET elsewhere is ours: %d", got.Code)
		}
	})
}

// TestLogLevel: what a shop got wrong is no error of ours, whatever its code.
func TestLogLevel(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.api("check", private())
		if got := w.api("order", private("ORDERNUMBER=1", "CHECKUUID={uuid}", "CURRENCY=USD")+oneItem); code(got) != "603" {
			t.Fatal(got)
		}
		if strings.Contains(w.log.String(), "level=ERROR") || !strings.Contains(w.log.String(), "code=603") {
			t.Error(w.log)
		}
	})
}
