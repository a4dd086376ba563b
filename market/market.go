// Package market is a simulated world that drives a platform: buyers who pay early, late, twice, too much,
// with a garbled reference or never, shops that start, cancel and credit, a bank with its daily statement,
// and a machine room that restarts the platform now and then.
//
// It owns the behaviour of that world and a naive model of what each order should come to. It does not own
// any rule of the platform: it speaks to it as the outside does, over its HTTP handler and by bank files.
//
// # What is always true
//
//   - The same seed gives the same world, and the same hash of the platform's event log on both engines.
//   - After each day every invariant holds: verify is green, and each order is as the model says.
package market

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"achteraf/access"
	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/events"
	"achteraf/merchants"
	"achteraf/platform"
	"achteraf/verify"
)

// Config says which world to simulate.
type Config struct {
	Seed   uint64
	Days   int
	Orders int
	Shops  int // 3 when 0

	// Open builds the platform on its database with the world's clock and chance. It is called again after
	// each restart, on the same database.
	Open func(ctx context.Context, wall func() calendar.Instant, random io.Reader) (*platform.Platform, func() error, error)

	Progress func(day int, r Report) // called after each day; may be nil
}

// Report says what happened.
type Report struct {
	Seed       uint64         `json:"seed"`
	Engine     string         `json:"engine"`
	Days       int            `json:"days"`
	Orders     int            `json:"orders"`
	Accepted   int            `json:"accepted"`
	Refused    int            `json:"refused"`
	Payments   int            `json:"payments"`
	Files      int            `json:"files"`
	Restarts   int            `json:"restarts"`
	Checks     int            `json:"checks"` // times that every invariant was checked
	Entries    int64          `json:"entries"`
	Behaviours map[string]int `json:"behaviours"`
	Hash       string         `json:"event_log_hash"`
}

// World is a running simulation.
type World struct {
	c      Config
	now    calendar.Instant
	chance *rand.Rand // the world's own decisions
	ids    io.Reader  // what the platform draws its ids and keys from

	p     *platform.Platform
	close func() error

	shops   []*shop
	buyers  []*person
	orders  []*order
	bank    *bank
	payDays map[int][]payment // payments by the day on which the bank books them
	report  Report
}

// begin is the first day: a Monday, so that the first weekend comes soon, before a year's end.
var begin = calendar.NewDate(2026, time.November, 23)

// Run simulates a world and returns what happened; an error names the day, the seed and what broke.
func Run(ctx context.Context, c Config) (Report, error) {
	if c.Shops == 0 {
		c.Shops = 3
	}
	w := &World{c: c, chance: rand.New(rand.NewPCG(c.Seed, 1)), ids: stream(c.Seed, 2), payDays: map[int][]payment{},
		report: Report{Seed: c.Seed, Behaviours: map[string]int{}}}
	w.at(0, 6*time.Hour)
	if err := w.start(ctx); err != nil {
		return w.report, err
	}
	defer func() { w.close() }()
	w.report.Engine = w.p.DB.Engine()
	if err := w.openShops(ctx); err != nil {
		return w.report, err
	}
	w.bank = newBank(w.p.Operator.ClientIBAN)
	for day := range c.Days {
		if err := w.day(ctx, day); err != nil {
			return w.report, fmt.Errorf("seed %d, day %d: %w", c.Seed, day, err)
		}
		w.report.Days++
		if c.Progress != nil {
			c.Progress(day, w.report)
		}
	}
	return w.report, w.hash(ctx)
}

// stream is chance that depends on a seed alone.
func stream(seed, part uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], part)
	return rand.NewChaCha8(key)
}

// at sets the clock to a time of a day. Days are counted in UTC: the platform turns them into civil dates.
func (w *World) at(day int, into time.Duration) {
	zone, err := calendar.ZoneOf("NL")
	if err != nil {
		panic(err)
	}
	moment := zone.StartOf(begin.AddDays(day)).Add(into)
	if moment.After(w.now) {
		w.now = moment
	}
}

func (w *World) start(ctx context.Context) (err error) {
	w.p, w.close, err = w.c.Open(ctx, func() calendar.Instant { return w.now }, w.ids)
	return err
}

// day lives one day: orders come in, shops and buyers act, the bank sends its statement, what is due runs,
// the platform may be restarted, and everything is checked.
func (w *World) day(ctx context.Context, day int) error {
	steps := []func(context.Context, int) error{w.night, w.placeOrders, w.shopsAct, w.bankDay, w.evening}
	for _, step := range steps {
		if err := step(ctx, day); err != nil {
			return err
		}
	}
	return w.check(ctx, day)
}

// night runs what fell due at midnight, in one go or after a host that slept.
func (w *World) night(ctx context.Context, day int) error {
	if w.chance.IntN(10) == 0 {
		return nil // the host sleeps; the next run catches up
	}
	w.at(day, 30*time.Minute)
	for range 1 + w.chance.IntN(3) { // running twice is the same as once
		if err := w.p.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) evening(ctx context.Context, day int) error {
	w.at(day, 22*time.Hour)
	if err := w.p.Settle(ctx); err != nil {
		return err
	}
	if w.chance.IntN(12) > 0 {
		return nil
	}
	w.report.Restarts++
	if err := w.close(); err != nil {
		return err
	}
	return w.start(ctx)
}

// check proves the books and holds every order against the model.
func (w *World) check(ctx context.Context, day int) error {
	w.report.Checks++
	report, err := verify.Run(ctx, w.p.DB, verify.Options{PublicKey: w.p.LogKey.Public})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	w.report.Entries = report.Sealed + report.Unsealed
	for _, o := range w.orders {
		if err := w.checkOrder(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) hash(ctx context.Context) error {
	return w.p.DB.Read(ctx, func(tx *db.Tx) error {
		sum, err := events.Hash(ctx, tx)
		w.report.Hash = hex.EncodeToString(sum[:])
		return err
	})
}

// shop is a shop of the world.
type shop struct {
	id  string
	key string
}

func (w *World) openShops(ctx context.Context) error {
	return w.p.DB.Write(ctx, func(tx *db.Tx) error {
		for i := range w.c.Shops {
			contract := merchants.StandardContract()
			if i == 1 {
				contract.StartBy = merchants.ByCall
			}
			m, err := merchants.Add(ctx, tx, merchants.New{Slug: fmt.Sprintf("market-%d", i), Name: fmt.Sprintf("Markt %d", i), LegalName: fmt.Sprintf("Markt %d B.V.", i),
				Country: "NL", Street: "Marktplein", HouseNumber: fmt.Sprint(i + 1), Postcode: "1234AB", City: "Voorbeeld", RegistrationNumber: fmt.Sprintf("9000010%d", i),
				VATID: "NL000099998B57", IBAN: "NL41ACHT0000000011", Language: "nl", InvoicePrefix: fmt.Sprintf("M%d", i),
				Contacts: []merchants.Contact{{Kind: "email", Value: "service@markt.example"}, {Kind: "phone", Value: "+31201234567"}},
				Contract: contract, Terms: merchants.TermsText{Version: "2026-01"}})
			if err != nil {
				return err
			}
			if err := merchants.Activate(ctx, tx, m.ID); err != nil {
				return err
			}
			key, _, err := w.p.Access.MakeKey(ctx, tx, access.NewKey{Merchant: m.ID, Mode: access.Live, Scopes: access.AllScopes()})
			if err != nil {
				return err
			}
			w.shops = append(w.shops, &shop{m.ID, key})
		}
		return nil
	})
}

var errModel = errors.New("an order is not as the model says")

// count notes a behaviour.
func (w *World) count(what string) { w.report.Behaviours[what]++ }

// importFile gives the platform a bank file.
func (w *World) importFile(ctx context.Context, file []byte) error {
	w.report.Files++
	_, err := w.p.Importer.File(ctx, bytes.NewReader(file), bankFormat)
	return err
}
