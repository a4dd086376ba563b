package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func TestSealInOrder(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		if n := seal(t, d, key); n != 0 || latest(t, d).Size != 0 {
			t.Errorf("sealed %d of an empty journal", n)
		}
		post(t, d, issued(shop, 1, 100), issued(shop, 2, 100))
		post(t, d, issued(shop, 3, 100))
		if n := seal(t, d, key); n != 3 {
			t.Errorf("sealed %d, want 3", n)
		}
		first := latest(t, d)
		if n := seal(t, d, key); n != 0 || latest(t, d) != first {
			t.Errorf("sealed %d again", n)
		}
		p.Clock.Advance(time.Second)
		post(t, d, issued(shop, 4, 100))
		seal(t, d, key)
		second := latest(t, d)
		if second.Size != 4 || second.After != 3 || second.SealedAt != p.Clock.Now() {
			t.Errorf("checkpoint %+v", second)
		}
		v, err := note.NewVerifier(key.Public)
		if err != nil {
			t.Fatal(err)
		}
		n, err := note.Open([]byte(second.Note), note.VerifierList(v))
		if err != nil || !strings.HasPrefix(n.Text, "achteraf/test/log\n4\n"+second.Root.String()+"\nafter 3\nat ") {
			t.Errorf("note %q, %v", second.Note, err)
		}
	})
}

// TestOneLog lets several processes post while their sealers race: all is sealed once, without a gap, and
// each writer's commits in their order.
func TestOneLog(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		const nodes, clients, each = 3, 4, 40
		key := newKey(t, 1)
		var next, sealed atomic.Int64
		var posting, sealing sync.WaitGroup
		done := make(chan struct{})
		for range nodes {
			on := openBooks(t, p)
			for range clients {
				posting.Go(func() {
					for range each {
						n := int(next.Add(1))
						for tryPost(t.Context(), on, issued(shop, n, int64(n)), received(n, int64(n))) != nil {
						}
					}
				})
			}
			s := ledger.NewSealer(key)
			sealing.Go(func() {
				for last := false; !last; {
					select {
					case <-done:
						last = true
					default:
					}
					n, err := s.Seal(t.Context(), on)
					if err != nil && !busy(err) {
						t.Error(err)
					}
					sealed.Add(int64(n))
				}
			})
		}
		posting.Wait()
		close(done)
		sealing.Wait()
		seal(t, d, key)
		const want = nodes * clients * each * 2
		if n := number(t, d, "select count(*) from entries"); n != want {
			t.Fatalf("%d entries, want %d", n, want)
		}
		if c := latest(t, d); c.Size != want {
			t.Errorf("log of %d, want %d", c.Size, want)
		}
		checkSeals(t, d)
	})
}

// busy says that SQLite had another process at its file; nothing was done.
func busy(err error) bool { return errors.Is(err, db.ErrConflict) }

// checkSeals holds that the places follow one another and so do the commits of each writer.
func checkSeals(t *testing.T, d *db.DB) {
	t.Helper()
	var place int64
	next := map[string]int64{}
	read(t, d, func(tx *db.Tx) error {
		return tx.Each(t.Context(), "select first_place, writer, seq, entries from seals order by first_place", nil, func(r db.Row) error {
			var first, seq, entries int64
			var writer string
			if err := r.Scan(&first, &writer, &seq, &entries); err != nil {
				return err
			}
			if first != place || seq != next[writer] {
				t.Errorf("place %d is %s/%d, want place %d and number %d", first, writer, seq, place, next[writer])
			}
			place, next[writer] = place+entries, seq+1
			return nil
		})
	})
	if n := number(t, d, "select count(*) from commits"); n != number(t, d, "select count(*) from seals") {
		t.Errorf("%d commits are not as many as seals", n)
	}
}

// TestLoserDoesNothing gives a sealer a round that another has sealed meanwhile.
func TestLoserDoesNothing(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		other := openBooks(t, p)
		post(t, d, issued(shop, 1, 100))
		loser := ledger.NewSealer(key)
		commit, err := ledger.Prepare(t.Context(), loser, d)
		if err != nil {
			t.Fatal(err)
		}
		post(t, d, issued(shop, 2, 100))
		if n := seal(t, other, key); n != 2 {
			t.Errorf("the winner sealed %d", n)
		}
		if n, err := commit(); n != 0 || err != nil {
			t.Errorf("the loser sealed %d, %v", n, err)
		}
		if n, err := loser.Seal(t.Context(), d); n != 0 || err != nil {
			t.Errorf("the loser then sealed %d, %v", n, err)
		}
		var sum int64
		read(t, d, func(tx *db.Tx) (err error) {
			sum, err = ledger.Balance(t.Context(), tx, ledger.MerchantPending, shop, "", "EUR")
			return err
		})
		if sum != -200 {
			t.Errorf("balance %d, want -200: the loser left something", sum)
		}
		checkSeals(t, d)
	})
}

// TestSealRefuses holds that the sealer signs nothing that its writer did not write, or that it did not sign itself.
func TestSealRefuses(t *testing.T) {
	cases := []struct{ name, sql, want string }{
		{"an amount changed", "update postings set cents = cents * 2 where n = 1 and seq = 1", "digest"},
		{"an amount changed to imbalance", "update postings set cents = cents + 1 where n = 1 and seq = 1 and leg = 0", "out of balance"},
		{"a key changed", "update entries set key = 'a' where seq = 1 and n = 0", "digest"},
		{"a time changed", "update commits set committed_at = $1 where seq = 1", "digest"},
		{"a digest changed", "update commits set digest = $2 where seq = 1 and committed_at <> $1", "digest"},
		{"a count changed", "update commits set entries = 3 where seq = 1", "2 entries, not 3"},
		{"an entry removed", "delete from entries where seq = 1 and n = 1", "posting without an entry"},
		{"a posting removed", "delete from postings where seq = 1 and n = 1 and leg = 1", "1 legs"},
		{"a posting moved to another merchant", "update postings set merchant_id = 'mer_x' where seq = 1 and n = 1 and leg = 1", "posting without an entry"},
		{"a commit removed", "delete from commits where seq = 1", "missing"},
		{"a commit without entries", "update commits set entries = 0 where seq = 1", "2 entries, not 0"},
		{"an entry moved", "update entries set n = 5 where seq = 1 and n = 1", "posting without an entry"},
		{"a commit moved", "update commits set seq = 7 where seq = 1", "missing"},
	}
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		for i := range 3 {
			post(t, d, issued(shop, 2*i, 100), issued(shop, 2*i+1, 100))
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				err := without(t, d, newKey(t, 1), c.sql, map[string]any{"$1": p.Clock.Now().Add(time.Microsecond), "$2": make([]byte, 32)})
				m, ok := errors.AsType[*ledger.Mismatch](err)
				if !ok || m.Seq != 1 || m.Writer == "" || !strings.Contains(m.What, c.want) {
					t.Errorf("%v, want a mismatch of number 1 with %q", err, c.want)
				}
			})
		}
	})
}

var undo = errors.New("undo")

// without changes rows, lets a sealer read, and takes the change back. It returns what the sealer said.
func without(t *testing.T, d *db.DB, key *ledger.Key, sql string, args map[string]any) (said error) {
	t.Helper()
	var given []any
	for _, name := range []string{"$1", "$2"} {
		if strings.Contains(sql, name) {
			given = append(given, args[name])
		}
	}
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		n, err := tx.Exec(t.Context(), sql, given...)
		if err != nil || n == 0 {
			return fmt.Errorf("%s changed %d rows: %w", sql, n, err)
		}
		said = ledger.Plan(t.Context(), ledger.NewSealer(key), tx)
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	return said
}

func TestSealRefusesAForeignLog(t *testing.T) {
	cases := []struct{ name, sql, want string }{
		{"a tile changed", "update log_tiles set data = $1", "tiles of the log are not those"},
		{"a tile removed", "delete from log_tiles", "holds 0 bytes, not 64"},
		{"a checkpoint changed", "update checkpoints set note = replace(note, 'after 0', 'after 1')", "not ours"},
		{"a checkpoint renumbered", "update checkpoints set size = 3", "cannot be read"},
		{"no checkpoint", "delete from checkpoints", "seals end at place 2"},
		{"no seals", "delete from seals", "seals end at place 0"},
	}
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		post(t, d, issued(shop, 1, 100), issued(shop, 2, 100))
		seal(t, d, key)
		post(t, d, issued(shop, 3, 100))
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if err := without(t, d, key, c.sql, map[string]any{"$1": make([]byte, 64)}); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
			})
		}
		t.Run("another key", func(t *testing.T) {
			if _, err := ledger.NewSealer(newKey(t, 2)).Seal(t.Context(), d); err == nil || !strings.Contains(err.Error(), "not ours") {
				t.Errorf("%v, want another key to be refused", err)
			}
		})
		if n := seal(t, d, key); n != 1 {
			t.Errorf("sealed %d in the end", n)
		}
	})
}

// TestManyRounds seals more than fits one round, over several tiles, and proves places and growth.
func TestManyRounds(t *testing.T) {
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		sealer := ledger.NewSealer(key)
		ledger.Limit(sealer, 1000, 30)
		next := 0
		for _, size := range []int{1, 1, 254, 1, 3, 700, 60, 1200, 12} { // around the edges of tiles
			var all []ledger.Entry
			for range size {
				next++
				all = append(all, issued(shop, next, int64(next)))
			}
			post(t, d, all...)
			if n, err := sealer.Seal(t.Context(), d); n != size || err != nil {
				t.Fatalf("sealed %d of %d, %v", n, size, err)
			}
		}
		commits := func(n, entries int) {
			for range n {
				var all []ledger.Entry
				for range entries {
					next++
					all = append(all, issued(shop, next, int64(next)))
				}
				post(t, d, all...)
			}
			if sealed, err := sealer.Seal(t.Context(), d); sealed != n*entries || err != nil {
				t.Fatalf("sealed %d of %d, %v", sealed, n*entries, err)
			}
		}
		commits(60, 1)  // rounds end by their rows, of which one is a balance: 29, 29, 2
		commits(5, 450) // rounds end by their entries: 3 and 2 commits
		checkSeals(t, d)
		var all []ledger.Checkpoint
		read(t, d, func(tx *db.Tx) error {
			return tx.Each(t.Context(), "select size, note from checkpoints order by size", nil, func(r db.Row) error {
				var c ledger.Checkpoint
				err := r.Scan(&c.Size, &c.Note)
				c.Root, _ = tlog.ParseHash(strings.Split(c.Note, "\n")[2])
				all = append(all, c)
				return err
			})
		})
		if len(all) != 9+3+2 {
			t.Errorf("%d checkpoints, want 14", len(all))
		}
		read(t, d, func(tx *db.Tx) error {
			for i, c := range all {
				for _, older := range all[:i+1] {
					proof, err := ledger.ProveGrowth(t.Context(), tx, c, older.Size)
					if err != nil {
						return err
					}
					if err := tlog.CheckTree(proof, c.Size, c.Root, older.Size, older.Root); err != nil {
						t.Errorf("growth from %d to %d: %v", older.Size, c.Size, err)
					}
				}
				for _, invoice := range []int{1, 2, 256, 257, int(c.Size/2) + 1, int(c.Size)} {
					if err := checkProof(t, tx, c, invoice); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

// checkProof proves that the tree of c holds the entry of an invoice, which is in it if its number is in reach.
func checkProof(t *testing.T, tx *db.Tx, c ledger.Checkpoint, invoice int) error {
	t.Helper()
	if int64(invoice) > c.Size {
		return nil
	}
	key := issued(shop, invoice, 1).Key
	place, err := ledger.Place(t.Context(), tx, shop, key)
	if err != nil {
		return err
	}
	leaf, err := ledger.Leaf(t.Context(), tx, shop, key)
	if err != nil {
		return err
	}
	proof, err := ledger.ProveEntry(t.Context(), tx, c, place)
	if err != nil {
		return err
	}
	if place != int64(invoice)-1 {
		t.Errorf("invoice %d is at place %d", invoice, place)
	}
	if err := tlog.CheckRecord(proof, c.Size, c.Root, place, tlog.RecordHash(leaf)); err != nil {
		t.Errorf("place %d in %d: %v", place, c.Size, err)
	}
	if err := tlog.CheckRecord(proof, c.Size, c.Root, place, tlog.RecordHash(append(leaf, 'x'))); err == nil {
		t.Error("another leaf passes too")
	}
	return nil
}

func TestNoProof(t *testing.T) {
	books(t, func(t *testing.T, _ *dbtest.Place, d *db.DB) {
		post(t, d, issued(shop, 1, 100))
		seal(t, d, newKey(t, 1))
		post(t, d, issued(shop, 2, 100))
		c := latest(t, d)
		read(t, d, func(tx *db.Tx) error {
			_, unsealed := ledger.Place(t.Context(), tx, shop, issued(shop, 2, 100).Key)
			_, foreign := ledger.Place(t.Context(), tx, "mer_2", issued(shop, 1, 100).Key)
			_, none := ledger.Leaf(t.Context(), tx, shop, "inv_9/issued")
			_, beyond := ledger.ProveEntry(t.Context(), tx, c, 1)
			_, before := ledger.ProveEntry(t.Context(), tx, c, -1)
			_, larger := ledger.ProveGrowth(t.Context(), tx, c, 2)
			_, zero := ledger.ProveGrowth(t.Context(), tx, c, 0)
			for name, err := range map[string]error{"unsealed": unsealed, "foreign": foreign, "none": none, "beyond": beyond, "before": before, "larger": larger, "zero": zero} {
				if err == nil {
					t.Errorf("%s: no error", name)
				}
			}
			return nil
		})
	})
}

// TestOldWriters holds that a commit is found however long nobody sealed, and that the alarm rings meanwhile.
func TestOldWriters(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		sealer := ledger.NewSealer(key)
		lag := func() (b ledger.Behind) {
			read(t, d, func(tx *db.Tx) (err error) {
				b, err = ledger.Lag(t.Context(), tx)
				return err
			})
			return b
		}
		sealAll := func() {
			t.Helper()
			if _, err := sealer.Seal(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if b := lag(); b.Commits != 0 || b.Late() {
				t.Errorf("behind after sealing: %+v", b)
			}
		}
		for i := range 40 { // writers change daily; each day but the last few is sealed
			post(t, d, issued(shop, 2*i, 100))
			if i < 35 {
				sealAll()
			}
			p.Clock.Advance(25 * time.Hour)
		}
		if b := lag(); b.Commits != 5 || b.Entries != 5 || b.Age != 5*25*time.Hour || !b.Late() {
			t.Errorf("behind: %+v", b)
		}
		if n := number(t, d, "select count(distinct writer) from commits"); n != 40 {
			t.Errorf("%d writers, want 40", n)
		}
		sealAll()
		p.Clock.Advance(24 * 365 * time.Hour)
		post(t, d, issued(shop, 1001, 100))
		sealAll()
		if c := latest(t, d); c.Size != 41 {
			t.Errorf("log of %d, want 41", c.Size)
		}
		checkSeals(t, d)
	})
}

// TestBacklog lets one round not reach the end of an old writer's commits: what is left stays in sight.
func TestBacklog(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		post(t, d, issued(shop, 1, 100))
		sealer := ledger.NewSealer(newKey(t, 1))
		if _, err := sealer.Seal(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		for day := range 5 { // a writer each day, and nobody seals
			p.Clock.Advance(20 * time.Hour) // the first of these is still the writer of before
			for i := range 4 {
				post(t, d, issued(shop, 10*day+i+10, 100))
			}
			p.Clock.Advance(5 * time.Hour)
		}
		ledger.Limit(sealer, 3, 100)
		for left := int64(20); left > 0; left -= 3 {
			read(t, d, func(tx *db.Tx) error {
				b, err := ledger.Lag(t.Context(), tx)
				if b.Commits != left {
					t.Errorf("%d commits in sight, want %d", b.Commits, left)
				}
				return err
			})
			commit, err := ledger.Prepare(t.Context(), sealer, d)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := commit(); err != nil || int64(n) != min(left, 3) {
				t.Fatalf("sealed %d of %d, %v", n, left, err)
			}
		}
		checkSeals(t, d)
	})
}

// TestDeadWriters holds that a sealer which has once caught up looks at no writer of long ago, and a new one at all.
func TestDeadWriters(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		old := ledger.NewSealer(key)
		post(t, d, issued(shop, 1, 100))
		if _, err := old.Seal(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		post(t, d, issued(shop, 2, 100))
		ancient := ledger.NameFrom(p.Clock.Now().Add(-49 * time.Hour))
		for _, table := range []string{"commits", "entries", "postings"} {
			change(t, d, "update "+table+" set writer = $1, seq = 0 where seq = 1", ancient)
		}
		if n, err := old.Seal(t.Context(), d); n != 0 || err != nil {
			t.Errorf("sealed %d of a dead writer, %v", n, err)
		}
		_, err := ledger.NewSealer(key).Seal(t.Context(), d)
		if m, ok := errors.AsType[*ledger.Mismatch](err); !ok || m.Writer != ancient {
			t.Errorf("%v, want a new sealer to find what was moved", err)
		}
	})
}

func TestLagCounts(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		post(t, d, issued(shop, 1, 100), issued(shop, 2, 100))
		p.Clock.Advance(ledger.LagAlarm)
		post(t, d, issued(shop, 3, 100))
		read(t, d, func(tx *db.Tx) error {
			b, err := ledger.Lag(t.Context(), tx)
			if b != (ledger.Behind{Commits: 2, Entries: 3, Age: ledger.LagAlarm}) || b.Late() {
				t.Errorf("%+v", b)
			}
			return err
		})
		p.Clock.Advance(time.Microsecond)
		read(t, d, func(tx *db.Tx) error {
			b, err := ledger.Lag(t.Context(), tx)
			if !b.Late() {
				t.Errorf("no alarm at %v", b.Age)
			}
			return err
		})
	})
}

// TestBalance compares the balance with a sum over all rows, with some of them sealed.
func TestBalance(t *testing.T) {
	books(t, func(t *testing.T, p *dbtest.Place, d *db.DB) {
		key := newKey(t, 1)
		other := openBooks(t, p) // another writer
		balance := func(code, merchant, subject, currency string) (sum int64) {
			t.Helper()
			read(t, d, func(tx *db.Tx) (err error) {
				sum, err = ledger.Balance(t.Context(), tx, code, merchant, subject, currency)
				return err
			})
			return sum
		}
		var pending, bank int64
		for i := range 30 {
			on := []*db.DB{d, other}[i%2]
			fee := ledger.Entry{Merchant: shop, Key: fmt.Sprintf("fee/%d", i), Kind: "fee", Currency: "EUR", Legs: []ledger.Leg{
				{Code: ledger.MerchantPending, Cents: 5}, {Code: ledger.MerchantPending, Cents: 1}, // one entry, twice on an account
				{Code: ledger.IncomeFees, Cents: -5}, {Code: ledger.TaxVAT, Cents: -1}}}
			post(t, on, issued(shop, i, int64(100+i)), received(i, int64(200+i)), issued("mer_2", i, 7), fee)
			pending, bank = pending-int64(100+i)+6, bank+int64(200+i)
			if i%7 == 3 {
				seal(t, d, key)
			}
			if got := balance(ledger.MerchantPending, shop, "", "EUR"); got != pending {
				t.Fatalf("pending %d after %d, want %d", got, i, pending)
			}
			if got := balance(ledger.Bank, ledger.Operator, "NL13TEST0123456789", "EUR"); got != bank {
				t.Fatalf("bank %d after %d, want %d", got, i, bank)
			}
		}
		if got := balance(ledger.MerchantPending, shop, "", "CHF") + balance(ledger.Bank, ledger.Operator, "NL13TEST0123456780", "EUR"); got != 0 {
			t.Errorf("%d on accounts that nothing touched", got)
		}
		seal(t, d, key)
		if n := number(t, d, "select entries from balances where code = $1 and merchant_id = $2", ledger.MerchantPending, shop); n != 60 {
			t.Errorf("%d entries, want 60", n)
		}
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			_, err := ledger.Balance(t.Context(), tx, ledger.BuyerPrincipal, shop, fmt.Sprintf("inv_%020d", 1), "EUR")
			return err
		}); err == nil {
			t.Error("a balance of an account of many subjects")
		}
	})
}

func TestKey(t *testing.T) {
	a, b, c := newKey(t, 1), newKey(t, 1), newKey(t, 2)
	if a.Public != b.Public || a.Public == c.Public || a.Origin() != "achteraf/test/log" {
		t.Errorf("keys %s %s %s", a.Public, b.Public, c.Public)
	}
	for i := range uint64(200) { // base 64 with and without a plus sign
		newKey(t, i)
	}
	for _, bad := range []string{"", "x", "PRIVATE+KEY+a+00000000+AAAA", a.Public} {
		if _, err := ledger.ReadKey(bad); err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
