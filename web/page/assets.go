package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"

	"achteraf/internal/words"
)

//go:embed assets
var assetFiles embed.FS

//go:embed words
var wordFiles embed.FS

// assetPath is where the assets are.
const assetPath = "/assets/"

// asset is one file that pages load.
type asset struct {
	path    string // "/assets/look-1a2b3c4d5e6f7890.css"
	kind    string
	body    []byte
	zipped  []byte // nil where it would not be smaller
	drawing bool   // an SVG, which has styles of its own when somebody opens it by itself
}

// house is what every process makes once: it is made of what is embedded.
type house struct {
	styles, font, icons, icon, script *asset
	names                             map[string]bool // of the icons
	texts                             words.All[texts]
	tokens                            palette
}

var furniture = sync.OnceValue(func() *house {
	h, err := furnish()
	if err != nil {
		panic("page: " + err.Error()) // it is part of the program
	}
	return h
})

var symbol = regexp.MustCompile(`<symbol id="([a-z-]+)"`)

func furnish() (*house, error) {
	h := &house{names: map[string]bool{}}
	var err error
	if h.texts, err = words.Load[texts](wordFiles, "words"); err != nil {
		return nil, err
	}
	h.font = newAsset("instrument-sans.woff2", "font/woff2", file("fonts/instrument-sans.woff2"))
	sprite := file("icons.svg")
	h.icons = newAsset("icons.svg", "image/svg+xml", sprite)
	for _, m := range symbol.FindAllSubmatch(sprite, -1) {
		h.names[string(m[1])] = true
	}
	h.icon = newAsset("icon.svg", "image/svg+xml", file("icon.svg"))
	h.script = newAsset("page.js", "text/javascript; charset=utf-8", file("page.js"))
	tokens := file("tokens.css")
	if h.tokens, err = readPalette(string(tokens)); err != nil {
		return nil, err
	}
	sheet := bytes.Join([][]byte{tokens, file("base.css"), file("components.css")}, []byte("\n"))
	sheet = bytes.ReplaceAll(sheet, []byte(`fonts/instrument-sans.woff2`), []byte(path.Base(h.font.path)))
	h.styles = newAsset("look.css", "text/css; charset=utf-8", sheet)
	return h, nil
}

func file(name string) []byte {
	data, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return data
}

// newAsset names a file after its content.
func newAsset(name, kind string, body []byte) *asset {
	sum := sha256.Sum256(body)
	stem, ext, _ := strings.Cut(name, ".")
	a := &asset{path: assetPath + stem + "-" + hex.EncodeToString(sum[:8]) + "." + ext, kind: kind, body: body,
		drawing: strings.HasPrefix(kind, "image/svg")}
	if kind != "font/woff2" { // which is compressed already
		var out bytes.Buffer
		z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
		z.Write(body)
		z.Close()
		if out.Len() < len(body) {
			a.zipped = out.Bytes()
		}
	}
	return a
}

// ServeHTTP serves the asset to be kept for a year: another content has another name.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if a.drawing {
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	}
	body := a.body
	if a.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.zipped
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}
