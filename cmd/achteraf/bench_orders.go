package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"achteraf/merchants"

	"github.com/google/pprof/profile"
)

type benchOrders struct {
	benchOptions
	ComparePgbench bool   `help:"Run pgbench (tpcb-like, scale 50, prepared, jit off) in turn and print the ratio."`
	PgbenchURL     string `help:"PostgreSQL for pgbench; the database under test when that is PostgreSQL." env:"ACHTERAF_PGBENCH_URL" placeholder:"URL"`
	Rounds         int    `help:"Runs of each kind, in turn, when comparing." default:"3"`
	Hot            bool   `help:"Compare one shop that gets all orders with the load spread over all shops, in pairs."`
}

// Run measures whole orders: HTTP, key, idempotency, decision, handles, order, lines, planned invoice,
// event, each durable before its answer.
func (b *benchOrders) Run(ctx context.Context) error {
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
	if err := s.preload(ctx, b.Preload); err != nil {
		return err
	}
	if b.Hot {
		return b.hot(ctx, s, h)
	}
	if b.ComparePgbench {
		return b.compare(ctx, s, h)
	}
	for _, clients := range b.Clients {
		f, err := b.once(ctx, s, h, clients, nil)
		if err != nil {
			return err
		}
		b.print(f)
	}
	return nil
}

// once makes one run. pick chooses the shop of an order; nil spreads evenly.
func (b *benchOrders) once(ctx context.Context, s *stage, h *harness, clients int, pick func() int) (figure, error) {
	if pick == nil {
		pick = func() int { return rand.IntN(len(s.keys)) }
	}
	conns, err := h.dial(clients)
	if err != nil {
		return figure{}, err
	}
	defer closeAll(conns)
	var profiled bytes.Buffer
	if err := pprof.StartCPUProfile(&profiled); err != nil {
		return figure{}, err
	}
	sessions := databaseName(b.DatabaseURL)
	cpu, other := cpuTime(), postgresTime(sessions)
	count, errs, took, delays := load(ctx, clients, time.Duration(b.Seconds)*time.Second, func(c int) error {
		n := s.number.Add(1)
		return conns[c].accept(s.keys[pick()], s.run, n)
	})
	cpu, other = cpuTime()-cpu, postgresTime(sessions)-other
	pprof.StopCPUProfile()
	f := figureOf("orders", s.db.Engine(), clients, count, errs, took, delays)
	ok := float64(max(count-errs, 1))
	f.Layers, err = layers(profiled.Bytes(), ok)
	if other > 0 {
		f.Layers["postgres"] = float64(other.Microseconds()) / ok
	}
	f.CPU = float64((cpu+other).Microseconds())/ok - f.Layers["client"]
	if b.Profile != "" {
		err = errors.Join(err, os.WriteFile(b.Profile, profiled.Bytes(), 0o644))
	}
	return f, err
}

// hot compares the CPU per order of one hot shop with that of spread load: five pairs, in turn.
func (b *benchOrders) hot(ctx context.Context, s *stage, h *harness) error {
	var ratios []float64
	clients := b.Clients[0]
	for range 5 {
		spread, err := b.once(ctx, s, h, clients, nil)
		if err != nil {
			return err
		}
		one, err := b.once(ctx, s, h, clients, func() int { return 0 })
		if err != nil {
			return err
		}
		ratios = append(ratios, one.CPU/spread.CPU)
		b.print(spread)
		b.print(one)
	}
	slices.Sort(ratios)
	b.print(figure{Name: "hot-shop", Engine: s.db.Engine(), Clients: clients, Ratio: ratios[2], More: map[string]any{"ratios": ratios}})
	return nil
}

// compare runs orders and pgbench in turn, so that both meet the same neighbours.
func (b *benchOrders) compare(ctx context.Context, s *stage, h *harness) error {
	url := b.PgbenchURL
	if url == "" && s.db.Engine() == "postgres" {
		url = b.DatabaseURL
	}
	if url == "" {
		return errors.New("name a PostgreSQL for pgbench: --pgbench-url postgres://…")
	}
	bench, err := preparePgbench(ctx, url)
	if err != nil {
		return err
	}
	for _, clients := range b.Clients {
		var ours, theirs []float64
		var last figure
		for range b.Rounds {
			if last, err = b.once(ctx, s, h, clients, nil); err != nil {
				return err
			}
			b.print(last)
			ours = append(ours, last.Rate)
			tps, err := runPgbench(ctx, bench, clients, b.Seconds)
			if err != nil {
				return err
			}
			b.print(figure{Name: "pgbench", Engine: "postgres", Clients: clients, Rate: tps})
			theirs = append(theirs, tps)
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		last.Name, last.Rate, last.Layers = "orders/pgbench", ours[len(ours)/2], nil
		last.Ratio = ours[len(ours)/2] / theirs[len(theirs)/2]
		last.More = map[string]any{"pgbench": theirs[len(theirs)/2]}
		b.print(last)
	}
	return nil
}

// databaseName is the last part of a database's address.
func databaseName(url string) string {
	name, _, _ := strings.Cut(url[strings.LastIndexByte(url, '/')+1:], "?")
	return name
}

// preparePgbench makes the tables of pgbench, scale 50, in a database of their own.
func preparePgbench(ctx context.Context, url string) (string, error) {
	i := strings.LastIndexByte(url, '/')
	bench := url[:i+1] + "achteraf_pgbench"
	if _, query, ok := strings.Cut(url[i+1:], "?"); ok {
		bench += "?" + query
	}
	if out, err := exec.CommandContext(ctx, "psql", "-qAt", "-d", bench, "-c", "select count(*) from pgbench_branches").Output(); err == nil && strings.TrimSpace(string(out)) == "50" {
		return bench, nil
	}
	exec.CommandContext(ctx, "psql", "-q", "-d", url, "-c", "create database achteraf_pgbench").Run() // it may exist
	out, err := exec.CommandContext(ctx, "pgbench", "-i", "-q", "-s", "50", bench).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	return bench, nil
}

var tpsLine = regexp.MustCompile(`tps = ([0-9.]+)`)

func runPgbench(ctx context.Context, url string, clients, seconds int) (float64, error) {
	cmd := exec.CommandContext(ctx, "pgbench", "-M", "prepared", "-b", "tpcb-like", "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(2, clients)),
		"-T", strconv.Itoa(seconds), "-n", url)
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c jit=off")
	out, err := cmd.CombinedOutput()
	m := tpsLine.FindSubmatch(out)
	if err != nil || m == nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// preload places orders without HTTP, many at a time, until there are n.
func (s *stage) preload(ctx context.Context, n int) error {
	if n == 0 {
		return nil
	}
	h, err := s.listen()
	if err != nil {
		return err
	}
	defer h.close()
	conns, err := h.dial(256)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	var failed atomic.Int64
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := s.number.Add(1)
				if i > int64(n) {
					return
				}
				if err := c.accept(s.keys[i%int64(len(s.keys))], s.run, i); err != nil {
					failed.Add(1)
				}
				if i%100_000 == 0 {
					fmt.Fprintf(os.Stderr, "preloaded %d\n", i)
				}
			}
		})
	}
	wg.Wait()
	if f := failed.Load(); f > int64(n/100) {
		return fmt.Errorf("%d of %d orders were not accepted", f, n)
	}
	return ctx.Err()
}

// harness is a server on loopback.
type harness struct {
	l      net.Listener
	server *http.Server
}

func (s *stage) listen() (*harness, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &harness{l, &http.Server{Handler: s.p.Handler()}}
	go h.server.Serve(l)
	return h, nil
}

func (h *harness) close() { h.server.Close() }

// wire is one client's connection. It writes requests as bytes and reads no more of an answer than it
// must, so that the client costs little of what it measures.
type wire struct {
	c    net.Conn
	r    *bufio.Reader
	buf  []byte
	body []byte
}

func (h *harness) dial(n int) ([]*wire, error) {
	out := make([]*wire, n)
	for i := range out {
		c, err := net.Dial("tcp", h.l.Addr().String())
		if err != nil {
			return nil, err
		}
		out[i] = &wire{c: c, r: bufio.NewReaderSize(c, 8192)}
	}
	return out, nil
}

func closeAll(conns []*wire) {
	for _, w := range conns {
		w.c.Close()
	}
}

var errRefused = errors.New("not accepted")

// accept places order n and wants it accepted.
func (w *wire) accept(key, run string, n int64) error {
	w.body = appendOrder(w.body[:0], run, n)
	status, body, err := w.post("/v1/orders", key, run+"-"+strconv.FormatInt(n, 10), w.body)
	if err != nil {
		return err
	}
	if status != 201 || !bytes.Contains(body, []byte(`"status":"accepted"`)) {
		return fmt.Errorf("%w: %d %s", errRefused, status, body)
	}
	return nil
}

// post sends one request and reads its answer.
func (w *wire) post(path, key, idempotency string, body []byte) (int, []byte, error) {
	b := append(w.buf[:0], "POST "...)
	b = append(append(b, path...), " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer "...)
	b = append(append(b, key...), "\r\nIdempotency-Key: "...)
	b = append(append(b, idempotency...), "\r\nContent-Length: "...)
	b = append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n\r\n"...)
	b = append(b, body...)
	w.buf = b
	if _, err := w.c.Write(b); err != nil {
		return 0, nil, err
	}
	return w.read()
}

func (w *wire) read() (int, []byte, error) {
	line, err := w.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, errors.New("not an HTTP answer")
	}
	status, _ := strconv.Atoi(string(line[9:12]))
	length := 0
	for {
		line, err := w.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
		}
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	body := w.body[:length]
	for read := 0; read < length; {
		n, err := w.r.Read(body[read:])
		if err != nil {
			return 0, nil, err
		}
		read += n
	}
	return status, body, nil
}

// appendOrder writes order n: every second one of a new buyer, the others of one who came before.
func appendOrder(b []byte, run string, n int64) []byte {
	buyer := n
	if n%2 == 1 && n > 2 {
		buyer = rand.Int64N(n)
	}
	num := func(v int64) { b = strconv.AppendInt(b, v, 10) }
	add := func(s string) { b = append(b, s...) }
	add(`{"reference":"`)
	add(run)
	add("-")
	num(n)
	add(`","currency":"EUR","prices":"incl_vat","total_cents":2540,"lines":[{"reference":"SKU-1","kind":"goods","description":"Running socks","quantity":2,"unit_price_cents":1000,"vat_percent":"21","return_mark":null},{"reference":"SHIP","kind":"shipping","description":"Delivery","quantity":1,"unit_price_cents":540,"vat_percent":"21","return_mark":null}],"buyer":{"kind":"consumer","email":"buyer`)
	num(buyer)
	add(`@example.org","language":"nl","phone":"+316`)
	num(10_000_000 + buyer%90_000_000)
	add(`","ip":"203.0.113.7","name":{"first":"Sanne","last":"Koper`)
	num(buyer)
	add(`"},"birth_date":"1990-05-01","address":{"street":"Dorpsstraat","house_number":"`)
	num(1 + buyer%9999)
	add(`","postcode":"1234 AB","city":"Voorbeeld","country":"NL"}}}`)
	return b
}

// benchShop is the shop of a number.
func benchShop(i int) merchants.New {
	shop := demoShops()[0]
	shop.Slug, shop.Name, shop.InvoicePrefix = fmt.Sprintf("bench-%d", i), fmt.Sprintf("Bench %d", i), fmt.Sprintf("B%d", i)
	return shop
}

// layers attributes the samples of a CPU profile to parts of an order's way, in microseconds an order.
func layers(data []byte, orders float64) (map[string]float64, error) {
	p, err := profile.ParseData(data)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	at := len(p.SampleType) - 1 // nanoseconds
	for _, s := range p.Sample {
		out[layerOf(s)] += float64(s.Value[at]) / 1000 / orders
	}
	return out, nil
}

// layerMarks names a layer by what is on the stack; the first that fits counts.
var layerMarks = []struct{ layer, mark string }{
	{"client", "main.(*wire)"}, {"client", "main.load"}, {"client", "main.appendOrder"},
	{"sealing", "achteraf/internal/vault."},
	{"write", "modernc.org/sqlite"}, {"write", "jackc/pgx"}, {"write", "achteraf/internal/db.(*lite"}, {"write", "achteraf/internal/db.(*pg"},
	{"decision", "achteraf/risk."}, {"auth", "achteraf/access."},
	{"sealer", "achteraf/ledger.(*Sealer"},
	{"stages", "achteraf/invoices."}, {"stages", "achteraf/buyers."}, {"stages", "achteraf/orders."}, {"stages", "achteraf/merchants."},
	{"http", "net/http"}, {"http", "achteraf/web/api"}, {"http", "danielgtaylor/huma"},
}

func layerOf(s *profile.Sample) string {
	for _, m := range layerMarks {
		for _, l := range s.Location {
			for _, line := range l.Line {
				if line.Function != nil && strings.Contains(line.Function.Name, m.mark) {
					return m.layer
				}
			}
		}
	}
	return "runtime"
}

// postgresTime is the CPU that the PostgreSQL sessions of a database on this machine have used.
func postgresTime(database string) time.Duration {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	var ticks int64
	for _, e := range entries {
		if e.Name()[0] < '0' || e.Name()[0] > '9' {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil || !bytes.Contains(text, []byte("(postgres)")) {
			continue
		}
		line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if !bytes.Contains(line, []byte(" "+database+" ")) {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		ticks += user + system
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
