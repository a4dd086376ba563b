package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/ledger"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// TestFaultTwoNodes runs two serving processes on one PostgreSQL, both with their sealers, and kills one of them
// again and again under load. A client whose node is gone asks the other with the same key. Nothing is lost,
// both nodes give the same answers, and all their checkpoints are of one log.
func TestFaultTwoNodes(t *testing.T) {
	h := newHouse(t, "postgres")
	n := &nodes{chance: rand.New(rand.NewPCG(2, 10))}
	steady, at := h.serve(t)
	n.join(at)
	other, at := h.serve(t)
	n.join(at)
	l := newLogbook(h, 8, n.pick)
	for _, c := range l.clients {
		c.stubborn = true
	}

	ctx, stop := context.WithCancel(t.Context())
	w := &witness{nodes: n}
	worked := make(chan error, 1)
	go func() { worked <- l.each(func(c *client) error { return c.work(ctx) }) }()
	watched := make(chan error, 1)
	go func() { watched <- w.watch(ctx) }()

	chance := rand.New(rand.NewPCG(2, 11)) // n.chance belongs to those who pick a node
	begun, kills := time.Now(), 0
	for ; kills < leastNodeKills || time.Since(begun) < seconds(t)*3/20; kills++ {
		time.Sleep(time.Duration(200+chance.IntN(400)) * time.Millisecond)
		other.kill()
		n.leave(at)
		time.Sleep(time.Duration(chance.IntN(300)) * time.Millisecond) // the steady node works alone
		other, at = h.serve(t)
		n.join(at)
	}
	stop()
	must(t, <-worked)
	must(t, <-watched)
	l.check(t, h)
	must(t, l.each(func(c *client) error { return c.ask(t.Context(), 0, true) }))
	l.check(t, h)
	checkpoints := w.oneLog(t, h)
	h.verify(t) // beside both
	must(t, other.stop())
	must(t, steady.stop())
	h.verify(t)
	verbs := l.enough(t, kills)
	t.Logf("volume: two nodes: %d kills in %.0f s; %d orders, %d starts, %d credits answered, none lost; %d checkpoints of one log",
		kills, time.Since(begun).Seconds(), verbs["order"], verbs["start"], verbs["credit"], checkpoints)
}

// nodes are the addresses of the processes that are there.
type nodes struct {
	mu     sync.Mutex
	chance *rand.Rand
	alive  []string
}

func (n *nodes) join(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alive = append(n.alive, address)
}

func (n *nodes) leave(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var left []string
	for _, a := range n.alive {
		if a != address {
			left = append(left, a)
		}
	}
	n.alive = left
}

func (n *nodes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.alive...)
}

func (n *nodes) pick() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.alive[n.chance.IntN(len(n.alive))]
}

// witness keeps every checkpoint that the nodes have published.
type witness struct {
	nodes *nodes
	notes []string
}

func (w *witness) watch(ctx context.Context) error {
	c := &http.Client{Timeout: patience}
	last := ""
	for ctx.Err() == nil {
		for _, address := range w.nodes.all() {
			text, err := fetch(c, address+"/log/checkpoint")
			if err == nil && text != "" && text != last { // a node that has just been killed does not answer
				w.notes, last = append(w.notes, text), text
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

func fetch(c *http.Client, address string) (string, error) {
	got, err := c.Get(address)
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if got.StatusCode != http.StatusOK {
		return "", errors.New(got.Status)
	}
	return string(text), err
}

// oneLog proves that each checkpoint was signed by the one key and that the log only ever grew: the tree of each
// is the beginning of the tree of the next. It returns how many there were.
func (w *witness) oneLog(t *testing.T, h *house) int {
	t.Helper()
	public, err := fetch(http.DefaultClient, w.nodes.pick()+"/log/key")
	must(t, err)
	verifier, err := note.NewVerifier(strings.TrimSpace(public))
	must(t, err)
	d, err := openDB(t.Context(), h.url, db.Options{})
	must(t, err)
	defer d.Close()
	roots := map[int64]tlog.Hash{}
	for _, text := range w.notes {
		n, err := note.Open([]byte(text), note.VerifierList(verifier))
		must(t, err)
		size, root, err := readTree(n.Text)
		must(t, err)
		if r, seen := roots[size]; seen && r != root {
			t.Fatalf("there are two logs of size %d", size)
		}
		roots[size] = root
	}
	sizes := slices.Sorted(maps.Keys(roots))
	if len(sizes) < 10 {
		t.Fatalf("only %d checkpoints were seen", len(sizes))
	}
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		for i, size := range sizes[1:] {
			proof, err := ledger.ProveGrowth(t.Context(), tx, ledger.Checkpoint{Size: size, Root: roots[size]}, sizes[i])
			if err == nil {
				err = tlog.CheckTree(proof, size, roots[size], sizes[i], roots[sizes[i]])
			}
			if err != nil {
				return fmt.Errorf("from %d to %d: %w", sizes[i], size, err)
			}
		}
		return nil
	}))
	return len(sizes)
}

// readTree reads a checkpoint as C2SP has it: origin, size, root.
func readTree(text string) (size int64, root tlog.Hash, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 {
		return 0, root, errors.New("a checkpoint has three lines at least")
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err == nil {
		root, err = tlog.ParseHash(lines[2])
	}
	return size, root, err
}
