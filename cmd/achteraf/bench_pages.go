package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/jobs"
	"achteraf/reports"
)

type benchPages struct {
	benchOptions
	Invoices int `help:"Invoices of each buyer who looks." default:"200"`
	Buyers   int `help:"Buyers who look." default:"25"`
	Rate     int `help:"Page views a second that come in, however long the last ones take; 0: each client asks as soon as it has its answer." default:"0"`
}

// Run measures the pages of buyers who are signed in: one view in two is the overview, the other an order.
func (b *benchPages) Run(ctx context.Context) error {
	s, done, err := b.stage(ctx)
	if err != nil {
		return err
	}
	defer done()
	h, err := s.listen()
	if err != nil {
		return err
	}
	defer h.close()
	if err := b.invite(ctx, s, h); err != nil {
		return err
	}
	if err := s.preload(ctx, b.Preload); err != nil {
		return err
	}
	guests, err := b.signIn(ctx, s)
	if err != nil {
		return err
	}
	for _, clients := range b.Clients {
		f, err := b.once(ctx, s, h, clients, guests)
		if err != nil {
			return err
		}
		b.print(f)
	}
	return nil
}

// guest is a buyer who is signed in.
type guest struct {
	cookie string
	orders []string
}

func guestEmail(i int) string { return fmt.Sprintf("regular%d@example.org", i) }

// aDay is how many orders one buyer places in a day without being asked why.
const aDay = 19

// invite lets the buyers order day by day: three quarters of their bills are paid, the others open. It moves the
// clock, so it wants a database in which nobody else has ordered yet.
func (b *benchPages) invite(ctx context.Context, s *stage, h *harness) error {
	switch n, err := b.known(ctx, s); {
	case err != nil:
		return err
	case n >= b.Invoices:
		return nil // an earlier run
	case s.number.Load() > 0:
		return errors.New("name an empty database, or one that bench pages has begun with as many invoices")
	}
	conns, err := h.dial(1)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	paid, placed := b.Invoices*3/4, 0
	for placed < b.Invoices {
		end := min(placed+aDay, b.Invoices)
		if placed < paid {
			end = min(end, paid)
		}
		for ; placed < end; placed++ {
			for g := range b.Buyers {
				if err := b.order(conns[0], s, g, placed); err != nil {
					return err
				}
			}
		}
		if err := s.days(ctx, 1); err != nil {
			return err
		}
		if placed == paid {
			if err := s.payAll(ctx); err != nil {
				return err
			}
		}
	}
	return s.days(ctx, 4)
}

func (b *benchPages) known(ctx context.Context, s *stage) (n int, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		o, err := s.p.Reports.Overview(ctx, tx, reports.Ask{Handles: s.p.Desk.EmailHandles(guestEmail(b.Buyers - 1))})
		n = o.Found
		return err
	})
	return n, err
}

func (b *benchPages) order(c *wire, s *stage, g, i int) error {
	n := s.number.Add(1)
	body := fmt.Appendf(nil, `{"reference":"%[1]s-%[2]d","currency":"EUR","prices":"incl_vat","total_cents":300,
"lines":[{"reference":"SKU-1","kind":"goods","description":"Running socks, pair %[3]d","quantity":1,"unit_price_cents":300,"vat_percent":"21","return_mark":null}],
"buyer":{"kind":"consumer","email":%[4]q,"language":"nl","ip":"203.0.113.7","name":{"first":"Sanne","last":"Vaste Koper %[5]d"},"birth_date":"1990-05-01",
"address":{"street":"Dorpsstraat","house_number":"%[6]d","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`, s.run, n, i, guestEmail(g), g, 10_001+g)
	status, answer, err := c.post("/v1/orders", s.keys[i%len(s.keys)], fmt.Sprint(s.run, "-", n), body)
	if err == nil && (status != 201 || !bytes.Contains(answer, []byte(`"status":"accepted"`))) {
		err = fmt.Errorf("%w: %d %s", errRefused, status, answer)
	}
	return err
}

// days lets days pass.
func (s *stage) days(ctx context.Context, n int) error {
	var now calendar.Instant
	if err := s.db.Read(ctx, func(tx *db.Tx) error { now = tx.Now; return nil }); err != nil {
		return err
	}
	return s.p.MoveTo(ctx, now.Add(time.Duration(n)*24*time.Hour))
}

// payAll pays every order there is.
func (s *stage) payAll(ctx context.Context) error {
	file, _, err := s.bankFile(ctx)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	if _, err := importFile(ctx, s.p.Importer, file); err != nil {
		return err
	}
	return s.p.Settle(ctx)
}

// signIn signs every buyer in by the door that they use, and reads their letters.
func (b *benchPages) signIn(ctx context.Context, s *stage) ([]guest, error) {
	var letter access.Letter
	door := access.NewSignIns(s.db, s.p.Vault, s.p.Desk, chance(), access.Limits{PerAddress: 1000, PerNetwork: 1_000_000},
		func(_ context.Context, l access.Letter) (jobs.Finish, error) {
			letter = l
			return func(context.Context, *db.Tx) error { return nil }, nil
		})
	var all []guest
	for i := range b.Buyers {
		pending, err := door.Begin(ctx, access.NewSignIn{Email: guestEmail(i), Language: "nl", Network: netip.MustParseAddr("203.0.113.9")})
		if err != nil {
			return nil, err
		}
		id, _, _ := strings.Cut(pending.Browser, "_")
		finish, err := door.SendDue(ctx, []jobs.Due{{Subject: "sin_" + id}})
		if err != nil {
			return nil, err
		}
		if err := s.db.Write(ctx, func(tx *db.Tx) error { return finish(ctx, tx) }); err != nil {
			return nil, err
		}
		session, err := door.Finish(ctx, access.Proof{Token: letter.Token, Browser: pending.Browser, Device: "bench"})
		if err != nil {
			return nil, err
		}
		g := guest{cookie: strings.TrimPrefix(access.SessionCookie, "__Host-") + "=" + session.Cookie}
		err = s.db.Read(ctx, func(tx *db.Tx) error {
			o, err := s.p.Reports.Overview(ctx, tx, reports.Ask{Handles: s.p.Desk.EmailHandles(guestEmail(i)), Limit: b.Invoices})
			for _, list := range [][]reports.Item{o.ToPay, o.Done} {
				for n := range list {
					g.orders = append(g.orders, list[n].Order)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// once makes one run. The delay of a view counts from when it should have begun.
func (b *benchPages) once(ctx context.Context, s *stage, h *harness, clients int, guests []guest) (figure, error) {
	conns, err := h.dial(clients)
	if err != nil {
		return figure{}, err
	}
	defer closeAll(conns)
	stop, err := b.profile()
	if err != nil {
		return figure{}, err
	}
	defer stop()
	sessions := databaseName(b.DatabaseURL)
	cpu, other := cpuTime(), postgresTime(sessions)
	kinds := make([][2][]time.Duration, clients)
	var n, size atomic.Int64
	begun := time.Now()
	count, errs, took, _ := load(ctx, clients, time.Duration(b.Seconds)*time.Second, func(c int) error {
		i := n.Add(1)
		from := time.Now()
		if b.Rate > 0 {
			from = begun.Add(time.Duration(i) * time.Second / time.Duration(b.Rate))
			time.Sleep(time.Until(from))
		}
		g, kind := guests[int(i/2)%len(guests)], int(i%2)
		path := "/my"
		if kind == 1 {
			path = "/my/orders/" + g.orders[int(i)%len(g.orders)]
		}
		length, err := conns[c].view(path, g.cookie)
		kinds[c][kind] = append(kinds[c][kind], time.Since(from))
		size.Add(int64(length))
		return err
	})
	cpu, other = cpuTime()-cpu, postgresTime(sessions)-other
	var all [2][]time.Duration
	for _, k := range kinds {
		all[0], all[1] = append(all[0], k[0]...), append(all[1], k[1]...)
	}
	delays := slices.Concat(all[0], all[1])
	for _, list := range [][]time.Duration{all[0], all[1], delays} {
		slices.Sort(list)
	}
	f := figureOf("pages", s.db.Engine(), clients, count, errs, took, delays)
	ok := max(count-errs, 1)
	f.CPU = float64((cpu + other).Microseconds()) / float64(ok)
	f.More = map[string]any{"orders": max(int64(b.Preload), int64(b.Buyers*b.Invoices)), "invoices_of_a_buyer": b.Invoices, "bytes_a_page": size.Load() / ok}
	for kind, name := range []string{"overview", "order"} {
		one := figureOf(name, "", clients, int64(len(all[kind])), 0, took, all[kind])
		f.More[name+"_p50_ms"], f.More[name+"_p95_ms"] = one.P50, one.P95
	}
	return f, nil
}

// view asks for a page as somebody who is signed in.
func (w *wire) view(path, cookie string) (int, error) {
	w.buf = append(append(append(append(w.buf[:0], "GET "...), path...), " HTTP/1.1\r\nHost: bench\r\nAccept-Language: nl\r\nCookie: "...), cookie...)
	w.buf = append(w.buf, "\r\n\r\n"...)
	if _, err := w.c.Write(w.buf); err != nil {
		return 0, err
	}
	status, body, err := w.read()
	if err == nil && (status != 200 || !bytes.Contains(body, []byte(`href="/my/me"`))) { // what only who is signed in sees
		err = fmt.Errorf("%w: %d", errRefused, status)
	}
	return len(body), err
}
