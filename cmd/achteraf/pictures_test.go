//go:build pictures

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

const (
	picturesAt  = "../../docs/screenshots"
	mostPicture = 200 << 10 // bytes of one
	mostOfAll   = 4 << 20
)

// studio is a demonstration and a browser before it.
type studio struct {
	t     *testing.T
	ctx   context.Context
	line  demoLine
	shop  *shopClient
	total int
}

// seat is how somebody looks at a page.
type seat struct {
	name          string
	width, height int64
	dark, whole   bool // whole: the page down to its end
}

var (
	phone        = seat{"phone", 390, 844, false, false}
	phoneWhole   = seat{"phone", 390, 844, false, true}
	phoneDark    = seat{"phone-dark", 390, 844, true, false}
	desktop      = seat{"desktop", 1280, 860, false, false}
	desktopWhole = seat{"desktop", 1280, 860, false, true}
	desktopDark  = seat{"desktop-dark", 1280, 860, true, false}
)

// TestPictures walks the life of an order in the web shop of a demonstration, and leaves a picture of each page in
// docs/screenshots. CONTRIBUTING.md says when.
func TestPictures(t *testing.T) {
	if err := os.MkdirAll(picturesAt, 0o755); err != nil {
		t.Fatal(err)
	}
	var line demoLine
	p, err := launch(os.Environ(), t.TempDir(), func(text []byte, out bool) bool { return out && json.Unmarshal(text, &line) == nil },
		"demo", "--json", "--listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	s := &studio{t: t, line: line, shop: &shopClient{line.URL, line.APIKey, http.DefaultClient}}
	s.browser()
	s.buy()
	s.look()
	s.settle()
	if s.total > mostOfAll {
		t.Errorf("the pictures have %d bytes", s.total)
	}
}

func (s *studio) browser() {
	program := os.Getenv("CHROME")
	if program == "" {
		program = "chromium"
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	s.t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "nl"), chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	s.t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	s.t.Cleanup(end)
	s.ctx = ctx
	s.take(phone)
}

// take looks from a seat, without anything that moves.
func (s *studio) take(one seat) {
	s.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[one.dark]
	scale := 1.0
	if one.width < 700 && !one.whole {
		scale = 2
	}
	_, err1 := chromedp.Call(s.ctx, emulation.SetDeviceMetricsOverride,
		emulation.SetDeviceMetricsOverrideParams{Width: one.width, Height: one.height, DeviceScaleFactor: scale, Mobile: one.width < 700})
	_, err2 := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	_, err3 := chromedp.Call(s.ctx, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	s.must(errors.Join(err1, err2, err3))
}

func (s *studio) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// open goes to a page of the demonstration.
func (s *studio) open(path string) {
	s.t.Helper()
	s.must(chromedp.Do(s.ctx, chromedp.Navigate(s.line.URL+path)))
}

// press clicks what leads to another page.
func (s *studio) press(selector string) {
	s.t.Helper()
	_, err := chromedp.RunResponse(s.ctx, chromedp.Click(selector))
	s.must(err)
}

// fill types into a field.
func (s *studio) fill(selector, text string) {
	s.t.Helper()
	s.must(chromedp.Do(s.ctx, chromedp.SendKeys(selector, text)))
}

// shoot leaves a picture of the page that is open, as each seat sees it.
func (s *studio) shoot(name string, seats ...seat) {
	s.t.Helper()
	for _, one := range seats {
		s.take(one)
		if one.dark { // a page that was painted in light is painted anew
			at, err := chromedp.Run(s.ctx, chromedp.Location())
			s.must(err)
			s.must(chromedp.Do(s.ctx, chromedp.Navigate(at)))
		}
		if one.whole { // a window as high as the page, so that what sticks to its edges is there
			height, err := chromedp.Run(s.ctx, chromedp.Evaluate[int64](`scrollTo(0, 0), document.documentElement.scrollHeight`))
			s.must(err)
			tall := one
			tall.height = height
			s.take(tall)
		}
		picture, err := chromedp.Run(s.ctx, chromedp.CaptureScreenshot())
		s.must(err)
		s.keep(name+"-"+one.name, picture)
	}
	s.take(phone)
}

// keep writes a picture with at most 256 colours, which is what drawn pages need.
func (s *studio) keep(name string, picture []byte) {
	s.t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	s.must(err)
	var out bytes.Buffer
	s.must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, fewColours(img)))
	if out.Len() > mostPicture {
		s.t.Errorf("%s has %d bytes", name, out.Len())
	}
	s.total += out.Len()
	s.must(os.WriteFile(filepath.Join(picturesAt, name+".png"), out.Bytes(), 0o644))
}

// fewColours paints a picture in at most 256 colours: the most frequent ones, and one for each group of alike others, so
// that a colour which is rare but like no other stays.
func fewColours(img image.Image) image.Image {
	const frequent = 96
	count := map[color.RGBA]int{}
	b := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var palette color.Palette
	groups := map[[3]uint8]bool{}
	for i, c := range all {
		group := [3]uint8{c.R >> 5, c.G >> 5, c.B >> 5}
		if len(palette) < 256 && (i < frequent || !groups[group]) {
			palette, groups[group] = append(palette, c), true
		}
	}
	nearest := map[color.RGBA]uint8{}
	out := image.NewPaletted(b, palette)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			i, known := nearest[c]
			if !known {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}

// buy goes from the home page through the web shop.
func (s *studio) buy() {
	s.open("/?lang=nl")
	s.shoot("home", desktop)
	s.open("/demo/shop?lang=nl")
	s.shoot("shop", phone, desktop, desktopDark)
	s.open("/demo/shop/goods/teapot?lang=nl")
	s.shoot("shop-good", phone)
	s.press("main button[name=do]")
	s.open("/demo/shop/goods/mug?lang=nl")
	s.press("main button[name=do]")
	s.open("/demo/shop/basket?lang=nl")
	s.shoot("basket", phone)
	s.order()
}

// order goes to the till, fills in the buyer of the contract, and comes back to the shop.
func (s *studio) order() {
	s.press("form.paynow button")
	s.shoot("checkout", phone, desktopWhole)
	for name, text := range map[string]string{"first": "Sanne", "last": "de Vries", "email": s.line.BuyerEmail, "birth": "01-05-1990", "phone": "+31612345678",
		"street": "Dorpsstraat", "house": "1", "suffix": "A", "postcode": "1234 AB", "city": "Voorbeeld"} {
		s.fill("main input[name="+name+"]", text)
	}
	s.shoot("checkout-filled", phoneWhole)
	s.press("main form button.btn--main")
	s.shoot("checkout-accepted", phone)
	s.press("main a.btn")
	s.shoot("shop-thanks", phoneWhole)
}

// mails are what is in the mailbox, the newest first.
func (s *studio) mails() []struct{ ID, To, Subject, Text string } {
	s.t.Helper()
	got, err := s.shop.ask(s.t.Context(), "GET", "/demo/mailbox/messages.json", "", nil)
	s.must(err)
	var box struct {
		Messages []struct{ ID, To, Subject, Text string }
	}
	s.must(json.Unmarshal(got.text, &box))
	slices.Reverse(box.Messages)
	return box.Messages
}

// mail waits for a mail in which something stands, and returns its id and what was found.
func (s *studio) mail(pattern string) (id, found string) {
	s.t.Helper()
	wanted := regexp.MustCompile(pattern)
	for range 100 {
		for _, m := range s.mails() {
			if got := wanted.FindString(m.Text); m.To == s.line.BuyerEmail && got != "" {
				return m.ID, got
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("no mail has %s", pattern)
	return "", ""
}

// look signs in as the buyer, and looks at what there is.
func (s *studio) look() {
	s.open("/my?lang=nl")
	s.shoot("sign-in", phone)
	s.fill("main input[name=email]", s.line.BuyerEmail)
	s.press("main form button")
	s.shoot("sign-in-code", phone)
	_, link := s.mail(`http://\S+/my/link/\S+`)
	s.must(chromedp.Do(s.ctx, chromedp.Navigate(link)))
	s.press("main form button")
}

// settle lets three days pass, and pays.
func (s *studio) settle() {
	s.open("/demo/clock?lang=nl")
	s.shoot("clock", phone)
	s.press("button[value='3']")
	id, page := s.mail(`http://\S+/pay/[^\s?]+`)
	s.open("/demo/mailbox")
	s.shoot("mailbox", desktop)
	s.open("/demo/mailbox/" + id)
	s.shoot("mail-invoice", phoneWhole, desktop)
	s.open("/my?lang=nl")
	s.shoot("my-overview", phoneWhole, desktopWhole, desktopDark)
	s.press("main a.bill")
	s.shoot("my-order", phoneWhole, desktopWhole, phoneDark)
	s.paper()
	s.must(chromedp.Do(s.ctx, chromedp.Navigate(page+"?lang=nl")))
	s.shoot("pay", phoneWhole, desktop)
	s.press("main form button")
	s.shoot("bank", phone)
	s.press("button[value=molen]")
	s.shoot("paid", phone)
}

// download fetches what a link of the open page leads to, as the browser would.
func (s *studio) download(selector string) []byte {
	s.t.Helper()
	to, err1 := chromedp.Run(s.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).href", selector)))
	kept, err2 := chromedp.Call(s.ctx, network.GetCookies, network.GetCookiesParams{})
	s.must(errors.Join(err1, err2))
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, to, nil)
	s.must(err)
	for _, c := range kept.Cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	got, err := http.DefaultClient.Do(r)
	s.must(err)
	defer got.Body.Close()
	file, err := io.ReadAll(got.Body)
	s.must(err)
	return file
}

// paper is the first page of the invoice's file, where a program that paints it is installed.
func (s *studio) paper() {
	paint, err := exec.LookPath("pdftoppm")
	if err != nil {
		s.t.Log("no picture of the invoice: pdftoppm is not installed")
		return
	}
	file := s.download("a[href*=pdf]")
	c := exec.Command(paint, "-png", "-r", "80", "-f", "1", "-l", "1", "-")
	c.Stdin = bytes.NewReader(file)
	picture, err := c.Output()
	s.must(err)
	s.keep("invoice-pdf", picture)
	fmt.Fprintln(os.Stderr, "the pictures are in docs/screenshots")
}
