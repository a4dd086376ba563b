package outbound_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"achteraf/internal/outbound"
)

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func TestPublic(t *testing.T) {
	for _, c := range []struct {
		name   string
		public []string
		not    []string
	}{
		{"IPv4", []string{"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0",
			"172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"},
			[]string{"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.1",
				"169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255",
				"198.51.100.1", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"}},
		{"IPv6", []string{"2a00:1450::1", "2606:4700::1111", "2400::1"},
			[]string{"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
				"2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2606:4700::1111%eth0"}},
	} {
		for _, a := range c.public {
			if !outbound.Public(netip.MustParseAddr(a)) {
				t.Errorf("%s: %s is refused", c.name, a)
			}
		}
		for _, a := range c.not {
			if outbound.Public(netip.MustParseAddr(a)) {
				t.Errorf("%s: %s is taken for public", c.name, a)
			}
		}
	}
	if outbound.Public(netip.Addr{}) {
		t.Error("no address at all is taken for public")
	}
}

// hostile are addresses that a configuration or a redirect may name to reach inside.
var hostile = strings.Fields(`
	https://127.0.0.1/ https://127.0.0.1:8080/ https://127.1/ https://127.0.1/ https://localhost/ https://LOCALHOST/ https://localhost./ https://0/ https://0.0.0.0/
	https://2130706433/ https://0x7f000001/ https://0x7f.0.0.1/ https://0177.0.0.1/ https://017700000001/ https://[::1]/ https://[::]/ https://[::ffff:127.0.0.1]/
	https://[::ffff:7f00:1]/ https://[0:0:0:0:0:ffff:127.0.0.1]/ https://[64:ff9b::127.0.0.1]/ https://[2002:7f00:1::]/ https://10.0.0.1/ https://172.16.0.1/
	https://192.168.1.1/ https://169.254.169.254/latest/meta-data/ https://[fd00:ec2::254]/ https://[fe80::1]/ https://100.64.0.1/ https://224.0.0.1/
	https://255.255.255.255/ https://user:secret@127.0.0.1/ https://user@localhost:443/ http://127.0.0.1/ http://example.org/ http://1.1.1.1/
	ftp://127.0.0.1/ file:///etc/passwd gopher://127.0.0.1/ unix:///var/run/docker.sock //127.0.0.1/`)

// TestHostile wants every one of them refused before a byte is sent.
func TestHostile(t *testing.T) {
	c := outbound.New()
	for _, address := range hostile {
		answer, err := c.Get(address)
		if err == nil {
			answer.Body.Close()
			t.Errorf("%s was called", address)
			continue
		}
		var wrong *net.DNSError // a spelling that no resolver takes for an address
		if !errors.Is(err, outbound.ErrAddress) && !errors.Is(err, outbound.ErrScheme) && !errors.As(err, &wrong) && !strings.Contains(err.Error(), "no Host") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestEachAddress calls every address of the special ranges' edges by its number, in both schemes: some 250 calls.
func TestEachAddress(t *testing.T) {
	c := outbound.New()
	n := 0
	for _, first := range []int{0, 10, 127, 224, 240, 255} {
		for _, last := range []int{0, 1, 254, 255} {
			for _, port := range []string{"", ":80", ":443", ":22", ":5432"} {
				n++
				if _, err := c.Get(fmt.Sprintf("https://%d.0.0.%d%s/", first, last, port)); !errors.Is(err, outbound.ErrAddress) {
					t.Errorf("%d.0.0.%d%s: %v", first, last, port, err)
				}
				if _, err := c.Get(fmt.Sprintf("https://[::ffff:%d.0.0.%d]%s/", first, last, port)); !errors.Is(err, outbound.ErrAddress) {
					t.Errorf("::ffff:%d.0.0.%d%s: %v", first, last, port, err)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d addresses were tried", n)
	}
}

func TestAllowed(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "inside") }))
	defer inside.Close()
	if text, err := get(outbound.New(loopback), inside.URL); err != nil || text != "inside" {
		t.Errorf("allowed: %q, %v", text, err)
	}
	if _, err := get(outbound.New(netip.MustParsePrefix("10.0.0.0/8")), inside.URL); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("another range is allowed: %v", err)
	}
	if _, err := get(outbound.New(loopback), "http://1.1.1.1/"); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("plain HTTP to the public: %v", err)
	}
	if _, err := get(outbound.New(), inside.URL); !errors.Is(err, outbound.ErrScheme) {
		t.Errorf("nothing is allowed: %v", err)
	}
}

// TestRedirect: a public answer may not lead inside, a message that changes something is not sent again, and
// credentials do not go to another host.
func TestRedirect(t *testing.T) {
	var seen http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }))
	defer other.Close()
	to := ""
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }))
	defer door.Close()
	at, err := url.Parse(door.URL)
	if err != nil {
		t.Fatal(err)
	}
	only := outbound.New(netip.MustParsePrefix(at.Hostname() + "/32"))
	for _, to = range []string{"http://127.0.0.2:1/", "https://127.0.0.2/", "http://[::1]/", "http://169.254.169.254/", "file:///etc/passwd"} {
		if _, err := get(only, door.URL); !errors.Is(err, outbound.ErrAddress) && !errors.Is(err, outbound.ErrScheme) {
			t.Errorf("redirected to %s: %v", to, err)
		}
	}
	if to = door.URL; true {
		if _, err := get(only, door.URL); !errors.Is(err, outbound.ErrRedirect) {
			t.Errorf("redirected for ever: %v", err)
		}
	}
	to = other.URL
	if _, err := only.Post(door.URL, "text/plain", strings.NewReader("pay")); !errors.Is(err, outbound.ErrRedirect) || seen != nil {
		t.Errorf("a message was sent on: %v, %v", err, seen)
	}
	r, err := http.NewRequest(http.MethodGet, door.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	if _, err := only.Do(r); err != nil || seen == nil || seen.Get("Authorization") != "" {
		t.Errorf("credentials were passed on: %v, %v", err, seen)
	}
}

func TestLongAnswer(t *testing.T) {
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", outbound.MostBytes+1))
	}))
	defer long.Close()
	if _, err := get(outbound.New(loopback), long.URL); !errors.Is(err, outbound.ErrTooLong) {
		t.Errorf("a long answer: %v", err)
	}
}

func get(c *http.Client, address string) (string, error) {
	answer, err := c.Get(address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
