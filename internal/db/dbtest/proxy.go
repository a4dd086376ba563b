package dbtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is what a Proxy does to a connection when a statement passes.
type Fault int

const (
	CutBefore   Fault = iota // cut both ways; the statement never reaches the server
	CutInside                // cut both ways in the middle of the statement
	CutAfter                 // the statement reaches the server and is carried out; cut before its answer
	HangBefore               // nothing passes any more, neither the statement nor what follows; nobody is told
	HangAfter                // the statement reaches the server; no answer comes back, and nobody is told
	SlowlyAfter              // the answer comes, late
)

// Proxy stands between a client and a PostgreSQL server and breaks connections at chosen statements.
type Proxy struct {
	listener net.Listener
	server   string

	mu      sync.Mutex
	refuse  bool
	rules   []*rule
	links   map[*link]bool
	stopped bool
	running sync.WaitGroup
}

type rule struct {
	word  string
	skip  int
	fault Fault
	times int
}

// NewProxy starts a proxy before the server of a postgres:// address and returns it with the address that
// goes through it.
func NewProxy(t testing.TB, address string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "5432")
	}
	p := &Proxy{listener: listener, server: host, links: map[*link]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(p.stop)
	u.Host = listener.Addr().String()
	q := u.Query()
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return p, u.String()
}

// At breaks the next times connections on which a statement that contains word passes, after skip others.
func (p *Proxy) At(word string, f Fault, skip, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &rule{word: word, skip: skip, fault: f, times: times})
}

// Left returns how many breaks are still to come.
func (p *Proxy) Left() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		n += r.times
	}
	return n
}

// Heal takes back all breaks that are still to come.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Refuse turns away new connections, or lets them in again.
func (p *Proxy) Refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = yes
}

// CutAll cuts all connections there are.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

func (p *Proxy) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.listener.Close()
	p.CutAll()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse || p.stopped
		p.mu.Unlock()
		if refuse {
			client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{proxy: p, client: client, server: server, prepared: map[string]string{}}
		p.mu.Lock()
		p.links[l] = true
		p.mu.Unlock()
		p.running.Go(func() { l.end(l.requests()) })
		p.running.Go(func() { l.end(l.answers()) })
	}
}

// decide returns the fault for a statement, if there is one.
func (p *Proxy) decide(sql string) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		if r.times == 0 || !strings.Contains(sql, r.word) {
			continue
		}
		if r.skip > 0 {
			r.skip--
			continue
		}
		r.times--
		return r.fault, true
	}
	return 0, false
}

// link is one connection through the proxy.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	prepared       map[string]string // the text of each prepared statement

	mu       sync.Mutex
	holdBack bool // no answer goes to the client from the next completed statement on
	silent   bool // the link only seems alive
	slow     bool
}

var errCut = errors.New("cut by the proxy")

func (l *link) cut() {
	l.client.Close()
	l.server.Close()
}

// end closes a link unless it is to seem alive.
func (l *link) end(err error) {
	l.mu.Lock()
	silent := l.silent
	l.mu.Unlock()
	if silent && !errors.Is(err, errCut) && !l.proxy.isStopped() {
		return
	}
	l.cut()
	l.proxy.mu.Lock()
	delete(l.proxy.links, l)
	l.proxy.mu.Unlock()
}

func (p *Proxy) isStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// message is one message of PostgreSQL's protocol 3.
type message struct {
	kind byte // 0 for the first of a connection, which has none
	all  []byte
	body []byte
}

func readMessage(r *bufio.Reader, first bool) (message, error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return message{}, err
	}
	size := int(binary.BigEndian.Uint32(head[len(head)-4:]))
	all := append(head, make([]byte, size-4)...)
	if _, err := io.ReadFull(r, all[len(head):]); err != nil {
		return message{}, err
	}
	m := message{all: all, body: all[len(head):]}
	if !first {
		m.kind = all[0]
	}
	return m, nil
}

func word(b []byte) (string, []byte) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil
	}
	return string(b[:i]), b[i+1:]
}

// statement returns the text that a message of the client carries out, or "".
func (l *link) statement(m message) string {
	switch m.kind {
	case 'P': // parse: a name for a text
		name, rest := word(m.body)
		l.prepared[name], _ = word(rest)
	case 'B': // bind: carries out what a name stands for
		_, rest := word(m.body)
		name, _ := word(rest)
		return l.prepared[name]
	case 'Q':
		text, _ := word(m.body)
		return text
	}
	return ""
}

// requests passes on what the client sends.
func (l *link) requests() error {
	in := bufio.NewReader(l.client)
	for first := true; ; first = false {
		m, err := readMessage(in, first)
		if err != nil {
			return err
		}
		if text := l.statement(m); text != "" {
			if f, ok := l.proxy.decide(text); ok && l.apply(f, m) {
				if f == HangBefore {
					io.Copy(io.Discard, in)
					return io.EOF
				}
				return errCut
			}
		}
		if _, err := l.server.Write(m.all); err != nil {
			return err
		}
	}
}

// apply does what a fault says and reports whether the link has no future.
func (l *link) apply(f Fault, m message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch f {
	case CutBefore:
		return true
	case CutInside:
		l.server.Write(m.all[:len(m.all)/2])
		return true
	case HangBefore:
		l.silent = true
		return true
	case CutAfter:
		l.holdBack = true
	case HangAfter:
		l.holdBack, l.silent = true, true
	case SlowlyAfter:
		l.slow = true
	}
	return false
}

// answers passes on what the server sends. Whatever comes before the broken statement has been passed on
// or waits in the same piece; from its completion on nothing is.
func (l *link) answers() error {
	in := bufio.NewReader(l.server)
	for {
		m, err := readMessage(in, false)
		if err != nil {
			return err
		}
		l.mu.Lock()
		holdBack, silent, slow := l.holdBack, l.silent, l.slow
		l.slow = l.slow && m.kind != 'Z'
		l.mu.Unlock()
		if slow && m.kind == 'Z' {
			time.Sleep(50 * time.Millisecond)
		}
		if holdBack {
			if m.kind == 'Z' { // the server is ready for more: the statement is done
				if silent {
					io.Copy(io.Discard, in)
				}
				return errCut
			}
			continue
		}
		if silent {
			continue
		}
		if _, err := l.client.Write(m.all); err != nil {
			return err
		}
	}
}
