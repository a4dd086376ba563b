// Package pagetest opens pages in a real browser, as people do: on a phone and on a desk, in light and in dark.
//
// It owns what is looked for on every page: nothing to scroll sideways, no complaint of the browser, no finding of
// axe-core against WCAG 2.2 A and AA. It does not own any page. The browser is Chromium or Chrome, found on the path or
// named in CHROME; a test without one fails. Its tests are called TestBrowser…, and run in the box pages of ./test.
package pagetest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core 4.14.1 (MPL-2.0, see the folder axe), unchanged; it is no part of the program.
//
//go:embed axe/axe.min.js
var axe string

// Browser is one browser with one site to look at.
type Browser struct {
	t   *testing.T
	ctx context.Context
	url string

	mu         sync.Mutex
	complaints []string
}

// Open starts a browser before a site, until the test ends.
func Open(t *testing.T, site http.Handler) *Browser {
	t.Helper()
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return At(t, server.URL)
}

// At starts a browser before a site that is served already, until the test ends.
func At(t *testing.T, url string) *Browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("hide-scrollbars", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute) // on a machine that has other work too
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &Browser{t: t, ctx: ctx, url: url}
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err == nil {
		err = chromedp.Listen(ctx, b.listen)
	}
	if err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	return b
}

// program is the browser's.
func program(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("CHROME"); named != "" {
		return named
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no browser: install chromium, or name one in CHROME; the script ./test does it for you")
	return ""
}

// listen keeps what the browser complains of: a policy that was broken, a file that is not there, a script's error.
func (b *Browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		if strings.Contains(text, "Transition was ") { // between pages, when one of them is somebody else's or is left soon
			return
		}
		b.complaints = append(b.complaints, text+" "+e.ExceptionDetails.URL)
	}
}

// screen is how somebody looks at a page.
type screen struct {
	width, height int64
	dark          bool
}

func (s screen) String() string {
	return fmt.Sprintf("%d-%s", s.width, map[bool]string{false: "light", true: "dark"}[s.dark])
}

// screens are the narrowest there is, a phone, a tablet and a desk.
var screens = []screen{{320, 700, false}, {390, 844, false}, {390, 844, true}, {800, 1000, false}, {1280, 900, false}, {1280, 900, true}}

// Check looks at pages in every way. Where ACHTERAF_SHOTS names a folder it leaves a picture of each there.
func (b *Browser) Check(paths ...string) {
	for _, path := range paths {
		for _, s := range screens {
			b.t.Run(name(path)+"/"+s.String(), func(t *testing.T) { b.check(t, path, s) })
		}
	}
}

// CheckNarrow looks at pages on the narrowest screen: for what differs in nothing but its words.
func (b *Browser) CheckNarrow(paths ...string) {
	for _, path := range paths {
		b.t.Run(name(path)+"/"+screens[0].String(), func(t *testing.T) { b.check(t, path, screens[0]) })
	}
}

func name(path string) string {
	return strings.NewReplacer("/", "_", "?", "_", "=", "-", "&", "_").Replace(strings.TrimPrefix(path, "/")) + "_"
}

func (b *Browser) check(t *testing.T, path string, s screen) {
	b.mu.Lock()
	b.complaints = nil
	b.mu.Unlock()
	b.take(t, s)
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.url+path)); err != nil {
		t.Fatal(err)
	}
	wide := run(t, b, chromedp.Evaluate[string](sideways))
	run(t, b, chromedp.Evaluate[int](axe+"; 0"))
	findings := run(t, b, chromedp.Evaluate[[]string](findingsOf, chromedp.EvalAwaitPromise))
	if wide != "" {
		t.Errorf("one has to scroll sideways: %s", wide)
	}
	for _, f := range findings {
		t.Errorf("axe: %s", f)
	}
	b.shoot(t, path, s)
	if s.width == 800 { // letters of twice the size: WCAG 2.2, 1.4.4
		run(t, b, chromedp.Evaluate[string](`document.documentElement.style.fontSize = "200%"`))
		if wide := run(t, b, chromedp.Evaluate[string](sideways)); wide != "" {
			t.Errorf("with large letters one has to scroll sideways: %s", wide)
		}
	}
	b.mu.Lock()
	for _, c := range b.complaints {
		if !strings.HasSuffix(c, " "+b.url+path) { // the page itself may be that of an error
			t.Errorf("the browser says: %s", c)
		}
	}
	b.mu.Unlock()
}

// take looks at the site as somebody with that screen does.
func (b *Browser) take(t *testing.T, s screen) {
	t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[s.dark]
	_, err1 := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride,
		emulation.SetDeviceMetricsOverrideParams{Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.width < 700})
	_, err2 := chromedp.Call(b.ctx, emulation.SetEmulatedMedia,
		emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
}

func run[T any](t *testing.T, b *Browser, action chromedp.Action[T]) T {
	t.Helper()
	got, err := chromedp.Run(b.ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// sideways names what is wider than the window.
const sideways = `(() => {
	const room = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= room) return "";
	const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > room + 1);
	return document.documentElement.scrollWidth + " px in " + room + ": " + wide.slice(0, 5).map(e => e.tagName + "." + e.getAttribute("class")).join(", ");
})()`

// findingsOf runs the rules of WCAG 2.2 A and AA and those of good practice.
const findingsOf = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
	v.id + " (" + v.impact + "): " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message || "")).join(" | ")))`

func (b *Browser) shoot(t *testing.T, path string, s screen) {
	folder := os.Getenv("ACHTERAF_SHOTS")
	if folder == "" {
		return
	}
	picture := run(t, b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(folder, name(path)+s.String()+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Eval runs a script in a page as somebody would read it on a desk.
func Eval[T any](b *Browser, path, script string) T {
	b.t.Helper()
	b.take(b.t, screens[len(screens)-1])
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.url+path)); err != nil {
		b.t.Fatal(err)
	}
	return run(b.t, b, chromedp.Evaluate[T](script))
}

// mostTabs is how often one presses Tab to get somewhere before one gives up.
const mostTabs = 60

// Fill opens a page with scripts switched off and fills in its form with the keyboard alone: pairs of a field's name and
// what is typed there, in the order in which Tab leads to them. Then it presses the button with these words, and returns the
// heading of the page on which that ends.
func (b *Browser) Fill(path, button string, pairs ...string) (heading string) {
	b.t.Helper()
	b.take(b.t, screens[1])
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	if err == nil {
		err = chromedp.Do(b.ctx, chromedp.Navigate(b.url+path))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		b.tabTo(`document.activeElement.name`, pairs[i])
		b.key(pairs[i+1])
	}
	b.tabTo(`document.activeElement.textContent.trim()`, button)
	const title = `document.querySelector("h1")?.textContent || ""`
	before := run(b.t, b, chromedp.Evaluate[string](title))
	b.key("\r")
	for range 200 {
		if heading = run(b.t, b, chromedp.Evaluate[string](title)); heading != "" && heading != before {
			return heading
		}
		time.Sleep(25 * time.Millisecond)
	}
	b.t.Fatalf("after %q the page is still %q", button, before)
	return ""
}

// tabTo presses Tab until a script says that the focus is where it should be.
func (b *Browser) tabTo(script, want string) {
	b.t.Helper()
	for range mostTabs {
		b.key("\t")
		if run(b.t, b, chromedp.Evaluate[string](script+` || ""`)) == want {
			return
		}
	}
	b.t.Fatalf("Tab does not lead to %q", want)
}

func (b *Browser) key(keys string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(keys)); err != nil {
		b.t.Fatal(err)
	}
}
