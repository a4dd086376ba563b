package shop

import (
	"net/http"
	"net/url"
	"testing"

	"achteraf/internal/words"
	"achteraf/web/pagetest"
)

// TestBrowserShop opens the shop as somebody with three things in the basket. A browser before a test server keeps no
// cookie between two tests, so the basket is put in on the way.
func TestBrowserShop(t *testing.T) {
	p := newPlatform(t)
	v := newVisitor(t, p)
	v.put("mug", "2", "add")
	v.put("lamp", "1", "add")
	v.put("tea", "1", "add")
	v.do(http.MethodPost, Path+"/basket", url.Values{"code": {codeWord}})
	full := v.cookies[cookieName]
	v.do(http.MethodPost, Path+"/pay", nil)
	p.state = "placed"
	b := pagetest.Open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		if !r.URL.Query().Has("empty") {
			r.AddCookie(&http.Cookie{Name: cookieName, Value: full})
		}
		v.shop.ServeHTTP(w, r)
	}))
	var paths []string
	for _, l := range words.Langs() {
		paths = append(paths, Path+"?lang="+string(l), Path+"/basket?lang="+string(l))
	}
	paths = append(paths, Path+"/goods/teapot?lang=de", Path+"/basket?empty&lang=nl", Path+"/thanks/"+p.asked[0].Reference+"?lang=nl", Path+"/declined?lang=de",
		Path+"/cancelled?lang=fr", Path+"/goods/nothing?lang=nl")
	b.Check(paths...)
}
