package older

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// straight is a POST to the address that it means, without the doubled slashes and dots that it may have been sent with.
func straight(r *http.Request) *http.Request {
	sent := r.URL.EscapedPath()
	meant := path.Clean("/" + sent)
	if strings.HasSuffix(sent, "/") && meant != "/" {
		meant += "/"
	}
	plain, err := url.PathUnescape(meant)
	if r.Method != http.MethodPost || meant == sent || err != nil {
		return r
	}
	to, at := *r, *r.URL
	at.Path, at.RawPath = plain, meant
	to.URL = &at
	return &to
}
