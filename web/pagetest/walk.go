package pagetest

import (
	"strings"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Visit opens a page on a screen of that width, as Check does, and stays there.
func (b *Browser) Visit(path string, width int64) {
	b.t.Helper()
	b.take(b.t, screen{width: width, height: 844})
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.url+path)); err != nil {
		b.t.Fatal(err)
	}
}

// NoScript switches the scripts of pages off or on, from the next page.
func (b *Browser) NoScript(off bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
		b.t.Fatal(err)
	}
}

// Clipboard lets the test read what a page copied.
func (b *Browser) Clipboard() {
	b.t.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err := chromedp.Call(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: b.url})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// Read evaluates a script, and waits for it where it promises.
func Read[T any](b *Browser, script string) T {
	b.t.Helper()
	return run(b.t, b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// patience is how long something that a page does by itself may take on a busy machine.
const patience = 30 * time.Second

// Until waits until a script says true.
func (b *Browser) Until(script string) {
	b.t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)) // an error while a page goes is not the end
		if err == nil && yes {
			return
		}
		if time.Since(begun) > patience {
			b.t.Fatalf("it never happens: %s (%v)\n%s", script, err, Read[string](b, `document.body.innerText`))
		}
	}
}

// Click presses the middle of the first element that a selector finds.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Click(selector)); err != nil {
		b.t.Fatal(err)
	}
}

// Type presses keys one after the other.
func (b *Browser) Type(keys string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(keys)); err != nil {
		b.t.Fatal(err)
	}
}

// stop is where the focus of the keyboard stands.
type stop struct {
	Name    string // what somebody hears there
	Visible bool   // it has an outline, stands in the window, and nothing lies over it
	Forward bool   // it stands after the stop before
	End     bool   // of the page: the focus has left it
}

// atFocus says where the focus stands.
const atFocus = `(() => {
	const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
	const over = document.elementFromPoint(box.left + box.width / 2, (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2);
	const label = e.labels?.[0]?.innerText || e.getAttribute("aria-label") || e.innerText || e.textContent;
	const last = window.lastStop;
	window.lastStop = e;
	return {
		Name: (label || "").trim().replace(/\s+/g, " "),
		Visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && box.width > 0 && !!over && (e.contains(over) || over.contains(e)),
		End: e === document.body,
		Forward: !last || !last.isConnected || !!(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING),
	};
})()`

// most is how often one may have to press Tab on a page.
const most = 60

// TabTo presses Tab until the focus is on what is called so. Every stop on the way can be seen, and comes after the one
// before it.
func (b *Browser) TabTo(name string) {
	b.t.Helper()
	var way []string
	for range most {
		b.Type("\t")
		at := Read[stop](b, atFocus)
		if at.End {
			break
		}
		way = append(way, at.Name)
		if !at.Visible {
			b.t.Errorf("the focus on %q cannot be seen", at.Name)
		}
		if !at.Forward {
			b.t.Errorf("the focus jumps back to %q", at.Name)
		}
		if strings.Contains(at.Name, name) {
			return
		}
	}
	b.t.Fatalf("no way to %q with Tab: %q", name, way)
}

// Enter presses Enter and waits for the page that it leads to.
func (b *Browser) Enter() {
	b.t.Helper()
	Read[bool](b, `window.before = true`)
	b.Type("\r")
	b.Until(`!window.before && document.readyState === "complete"`)
}

// Complaints are what the browser has complained of since the last page that was checked, and are then forgotten.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.complaints
	b.complaints = nil
	return all
}
