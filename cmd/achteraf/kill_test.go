package main

import (
	"context"
	"math/rand/v2"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// The tests of this file kill real processes. Each kills at least as often as it says here; with
// ACHTERAF_TEST_SECONDS set it goes on for its share of that time, so that
// ACHTERAF_TEST_SECONDS=3600 ./test faults is the nightly run.
const (
	leastKills     = 20 // of a single node, on each engine
	leastNodeKills = 10 // of one node of two
)

// TestFaultKilledUnderLoad ends a serving process by SIGKILL, again and again, while shops place, start and credit
// orders and a bank file is being read. The clients keep their own log. After each restart all that was answered
// is there once, what was not answered is there at most once and can be asked for again, and each answer is given
// again to the byte. An import that is killed half-way is run again and then complete.
func TestFaultKilledUnderLoad(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { killUnderLoad(t, engine, seconds(t)*3/10) })
	}
}

func killUnderLoad(t *testing.T, engine string, share time.Duration) {
	h := newHouse(t, engine)
	var address atomic.Value
	l := newLogbook(h, 8, func() string { return address.Load().(string) })
	bank := &housebank{paid: map[string]int64{}}
	chance := rand.New(rand.NewPCG(20, 26))
	p, at := h.serve(t)
	address.Store(at)
	begun, kills, halfWay := time.Now(), 0, 0
	for ; kills < leastKills || time.Since(begun) < share; kills++ {
		l.round()
		file := ""
		if references := l.some(chance, 1200); len(references) > 0 {
			file = h.bankFile(t, bank, references)
		}
		if h.load(t, l, p, chance, bank, file) {
			halfWay++
		}
		if kills%5 == 4 {
			h.verify(t) // as the kill has left it
		}
		p, at = h.serve(t)
		address.Store(at)
		l.forget()
		l.check(t, h)
		must(t, l.each(func(c *client) error { return c.ask(t.Context(), c.since, true) }))
		if file != "" {
			h.run(t, append([]string{"import", file}, h.flags()...)...)
		}
		l.check(t, h)
		h.checkBank(t, bank, l.payments())
	}
	must(t, l.each(func(c *client) error { return c.ask(t.Context(), 0, true) })) // every answer of all rounds once more
	must(t, p.stop())
	h.verify(t)
	verbs := l.enough(t, kills)
	t.Logf("volume: %s: %d kills in %.0f s; %d orders, %d starts, %d credits answered, none lost; %d bank lines, %d imports killed half-way",
		engine, kills, time.Since(begun).Seconds(), verbs["order"], verbs["start"], verbs["credit"], bank.lines, halfWay)
}

// enough wants that the kills met some work, and that in the end nothing is without an answer.
func (l *logbook) enough(t *testing.T, kills int) (verbs map[string]int) {
	t.Helper()
	verbs, open := l.count()
	if open > 0 || verbs["order"] < 5*kills || verbs["start"] == 0 || verbs["credit"] == 0 {
		t.Errorf("%d kills met only %v, %d without an answer", kills, verbs, open)
	}
	return verbs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// load lets the clients work and a bank file be read, kills the import half-way and then the server. It says
// whether the import had booked some of the file and not all.
func (h *house) load(t *testing.T, l *logbook, p *process, chance *rand.Rand, bank *housebank, file string) (halfWay bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	worked := make(chan error, 1)
	go func() { worked <- l.each(func(c *client) error { return c.work(ctx) }) }()
	wait := time.After(time.Duration(250+chance.IntN(500)) * time.Millisecond)
	if file != "" {
		halfWay = h.killImport(t, file, bank)
	}
	<-wait
	p.kill()
	stop()
	must(t, <-worked)
	return halfWay
}

// killImport begins to read a bank file and kills the process when some of it is booked. It says whether some was
// and not all.
func (h *house) killImport(t *testing.T, file string, bank *housebank) (halfWay bool) {
	t.Helper()
	booked := func() int64 {
		n, err := number(t.Context(), h.url, "select count(*) from bank_lines")
		must(t, err)
		return n
	}
	before := booked()
	c := exec.Command("achteraf", append([]string{"import", file}, h.flags()...)...)
	c.Env, c.Dir = h.env, h.dir
	must(t, c.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); c.Wait() }()
	must(t, waitUntil(t.Context(), "the import", func() (bool, error) {
		select {
		case <-ended:
			return true, nil
		default:
			return booked() > before, nil
		}
	}))
	c.Process.Kill()
	<-ended
	now := booked()
	return now > before && now < bank.lines
}

// some returns payment references of orders that were accepted, as a bank file would bear them.
func (l *logbook) some(chance *rand.Rand, n int) (references []string) {
	for range n {
		c := l.clients[chance.IntN(len(l.clients))]
		if len(c.orders) > 0 {
			references = append(references, c.orders[chance.IntN(len(c.orders))].payment)
		}
	}
	return references
}
