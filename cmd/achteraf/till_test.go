package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// opened is a checkout of a story.
type opened struct {
	ID  string `json:"id"`
	URL string `json:"checkout_url"`
}

// [!] checkout FILE [FIELD=VALUE…] [-FIELD…]
func (s *teller) checkout(fail bool) error {
	text, err := changed([]byte(s.ts.ReadFile(s.args[0])), s.args[1:])
	if err != nil {
		return err
	}
	if err := s.send(fail, s.write("POST", "/v1/checkouts", text)); err != nil || fail {
		return err
	}
	return json.Unmarshal(s.last.text, &s.offer)
}

var (
	attemptField = regexp.MustCompile(`name="attempt" value="(\d+)"`)
	markup       = regexp.MustCompile(`(?s)<(script|style|head|nav|footer)\b.*?</(script|style|head|nav|footer)>|<[^>]*>`)
	blank        = regexp.MustCompile(`[\s\x{a0}\x{202f}]+`)
)

// [!] fill FIELD=VALUE…: the buyer fills in the form that is on the screen and presses the button. With ! the page comes
// back with what is wrong. What the buyer then reads is printed.
func (s *teller) fill(wrong bool) error {
	status, page, err := s.browse(http.MethodGet, s.offer.URL+"/details", nil)
	if err != nil {
		return err
	}
	attempt := attemptField.FindStringSubmatch(page)
	if attempt == nil {
		return fmt.Errorf("no form at the till: %d", status)
	}
	form := url.Values{"attempt": {attempt[1]}}
	for _, pair := range s.args {
		name, value, _ := strings.Cut(pair, "=")
		form.Set(name, value)
	}
	status, page, err = s.browse(http.MethodPost, s.offer.URL, form)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.ts.Stdout(), readable(page))
	if wrong != (status == http.StatusUnprocessableEntity) || status >= 500 {
		return fmt.Errorf("the till answers %d", status)
	}
	return nil
}

// leave: the buyer goes back to the shop; the address is printed.
func (s *teller) leave(bool) error {
	_, to, err := s.browse(http.MethodPost, s.offer.URL+"/leave", nil)
	fmt.Fprintln(s.ts.Stdout(), to)
	return err
}

// till: the shop reads how the checkout stands, and after it, speaks of the order.
func (s *teller) till(fail bool) error {
	if err := s.send(fail, request{"GET", "/v1/checkouts/" + s.offer.ID, "", nil}); err != nil || fail {
		return err
	}
	var now struct {
		Order string `json:"order_id"`
	}
	err := json.Unmarshal(s.last.text, &now)
	if now.Order != "" {
		s.id = now.Order
	}
	return err
}

var errAway = errors.New("this leads away from the platform")

// browse asks for a page as a browser does. Where it leads away, the page is the address to which it does.
func (s *teller) browse(method, address string, form url.Values) (status int, page string, err error) {
	client := http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), s.url) {
			return errAway
		}
		return nil
	}}
	r, err := http.NewRequest(method, address+"?lang=nl", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(r)
	if errors.Is(err, errAway) {
		res.Body.Close()
		return res.StatusCode, res.Header.Get("Location"), nil
	}
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// readable is a page as text, on one line.
func readable(page string) string {
	return blank.ReplaceAllString(html.UnescapeString(markup.ReplaceAllString(page, " ")), " ")
}
