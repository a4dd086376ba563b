// Package dbtest gives a test a fresh database of each engine with all tables in place.
//
// It owns the making and dropping of test databases and a clock that a test can set. It does not own
// what a test writes there, nor the PostgreSQL server: that is named by ACHTERAF_TEST_POSTGRES.
//
// # What is always true
//
//   - A test never skips an engine. Without a PostgreSQL server it fails and says how to get one.
//   - No two tests share a database, and nothing of one is left when the test ends.
//   - Ids are the same on every run as long as the test asks for them in the same order.
package dbtest

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// Engines returns the names of both engines.
func Engines() []string { return []string{"sqlite", "postgres"} }

// Run runs f as a subtest for each engine, on a fresh database.
func Run(t *testing.T, f func(t *testing.T, d *db.DB), settings ...Setting) {
	t.Helper()
	RunOn(t, func(t *testing.T, p *Place) { f(t, p.Open(t, settings...)) })
}

// RunOn is Run for tests that set the clock, or open the database more than once.
func RunOn(t *testing.T, f func(t *testing.T, p *Place)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) { f(t, New(t, engine)) })
	}
}

// Open makes a fresh database of an engine and opens it.
func Open(t testing.TB, engine string, settings ...Setting) *db.DB {
	t.Helper()
	return New(t, engine).Open(t, settings...)
}

// Setting changes how a database is opened.
type Setting func(*db.Options)

// Place is a fresh database and the wall clock of all who open it.
type Place struct {
	Engine string
	URL    string
	Clock  *Clock

	mu     sync.Mutex
	opened uint64
}

// New makes a fresh database of an engine, with all tables and no rows. It is gone when the test ends.
func New(t testing.TB, engine string) *Place {
	t.Helper()
	return at(t, engine, newSQLite, newPostgres)
}

// Empty makes a database without any table.
func Empty(t testing.TB, engine string) *Place {
	t.Helper()
	return at(t, engine, emptySQLite, emptyPostgres)
}

func at(t testing.TB, engine string, sqlite, postgres func(testing.TB) string) *Place {
	t.Helper()
	p := &Place{Engine: engine, Clock: NewClock()}
	switch engine {
	case "sqlite":
		p.URL = sqlite(t)
	case "postgres":
		p.URL = postgres(t)
	default:
		t.Fatalf("dbtest: no engine is called %q", engine)
	}
	return p
}

// Open opens the database; each call is like another process. It is closed when the test ends.
func (p *Place) Open(t testing.TB, settings ...Setting) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), p.URL, p.options(settings))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return d
}

func (p *Place) options(settings []Setting) db.Options {
	p.mu.Lock()
	p.opened++
	n := p.opened
	p.mu.Unlock()
	o := db.Options{Wall: p.Clock.Now, Random: Chance(2 * n), Process: Chance(2*n + 1), CacheMiB: 8}
	for _, set := range settings {
		set(&o)
	}
	return o
}

// Chance is randomness that is the same for the same seed. It is safe for use by several goroutines.
func Chance(seed uint64) *Randomness {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return &Randomness{source: rand.NewChaCha8(key)}
}

// Randomness is a reader of chance.
type Randomness struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

// Read fills b and never fails.
func (r *Randomness) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Read(b)
}

// Clock is a wall clock that stands still until a test moves it.
type Clock struct {
	mu  sync.Mutex
	now calendar.Instant
}

// NewClock returns a clock at 2026-11-22T10:00:00Z.
func NewClock() *Clock {
	return &Clock{now: calendar.At(time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC))}
}

// Now reads the clock.
func (c *Clock) Now() calendar.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock to an instant, forward or back.
func (c *Clock) Set(to calendar.Instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

// Advance moves the clock on.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}
