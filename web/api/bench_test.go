package api_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"syscall"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/invoices"
	"achteraf/orders"
	"achteraf/risk"
	"achteraf/web/api"
)

// instant is an intake that accepts everything without a database.
type instant struct{ now calendar.Instant }

func (i instant) Place(_ context.Context, r invoices.Request) (invoices.Answer, error) {
	o := orders.Order{ID: "ord_06a0m8e3xq7v2", Merchant: "mer_1", Reference: r.Order.Reference, State: orders.Placed, Currency: "EUR",
		TotalCents: r.Order.TotalCents, PaymentReference: "RF451234567890", PlacedOn: calendar.NewDate(2026, 11, 22), PlacedAt: i.now}
	v := invoices.Invoice{ID: "inv_06a0m8e3xq7v3", Status: invoices.Planned, TotalCents: o.TotalCents, OpenCents: o.TotalCents, SendOn: o.PlacedOn}
	status, body, err := r.Render(invoices.Outcome{Attempt: "att_1", Decision: risk.Decision{Class: risk.Accepted}, Order: &o, Invoice: &v, At: i.now})
	return invoices.Answer{Status: status, Body: body}, err
}

// writer takes an answer and forgets it.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(b []byte) (int, error) { return len(b), nil }
func (w *writer) WriteHeader(status int)      { w.status = status }

// BenchmarkPlaceOrder measures what the API itself costs for an order: routing, key (from memory), limits,
// reading, checking the form, hashing, rendering, writing; and a line of log; without the network and the database.
func BenchmarkPlaceOrder(b *testing.B) {
	w := newWorld(b, "sqlite")
	c := w.config
	c.Intake, c.Log = instant{w.place.Clock.Now()}, slog.New(slog.NewJSONHandler(io.Discard, nil))
	handler := api.New(c)
	body := []byte(exampleOrder)
	r, err := http.NewRequest("POST", "/v1/orders", nil)
	must(b, err)
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Idempotency-Key", "k1")
	r.Header.Set("Content-Type", "application/json")
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		out := &writer{header: make(http.Header, 12)}
		handler.ServeHTTP(out, r)
		if out.status != http.StatusCreated {
			b.Fatal(out.status)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N), "cpu-µs/op")
}

// cpu is the processor time that this process has used. It says more than the clock where others work too.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkNew measures what a platform's own API costs to build: a process may hold a thousand.
func BenchmarkNew(b *testing.B) {
	w := newWorld(b, "sqlite")
	b.ReportAllocs()
	for b.Loop() {
		api.New(w.config)
	}
}
