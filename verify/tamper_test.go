package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/internal/db/dbtest"
	"achteraf/ledger"

	"golang.org/x/mod/sumdb/note"
)

// TestTamper changes sealed rows in thousands of ways, one at a time, and wants each found. What leaves a
// whole log of its own, cut at an old checkpoint, is found by the checkpoint from outside.
func TestTamper(t *testing.T) {
	for engine, mutations := range map[string]int{"sqlite": 5000, "postgres": 250} {
		t.Run(engine, func(t *testing.T) { tamper(t, engine, mutations) })
	}
}

func tamper(t *testing.T, engine string, mutations int) {
	w := newWorld(t, engine)
	w.fill(t, 72) // 270 places: more than one tile
	m := newTamperer(t, w)
	o := w.options()
	o.Checkpoint = []byte(m.notes[len(m.notes)-1])
	if _, err := Run(t.Context(), w.DB, o); err != nil {
		t.Fatal(err)
	}
	done := map[string]int{}
	for n := 0; n < mutations; {
		way := ways[m.weighted()]
		what := ""
		err := undone(t.Context(), w.DB, func(tx *db.Tx) error {
			var err error
			if what, err = way.do(m, t.Context(), tx); err != nil {
				return err
			}
			if way.name != "cut" {
				_, err = In(t.Context(), tx, w.options())
			} else {
				_, err = In(t.Context(), tx, o)
			}
			return err
		})
		switch {
		case errors.Is(err, errNotNow), errors.Is(err, db.ErrUnique), errors.Is(err, db.ErrCheck):
			continue // the database itself refuses this one
		case err == nil:
			t.Errorf("%s: %s is not found", way.name, what)
		case found(err) == "":
			t.Fatalf("%s: %s: %v", way.name, what, err)
		}
		done[way.name]++
		n++
	}
	if _, err := Run(t.Context(), w.DB, o); err != nil {
		t.Errorf("after all is undone: %v", err)
	}
	for _, way := range ways {
		if done[way.name] < mutations/100 {
			t.Errorf("%s was done %d times only", way.name, done[way.name])
		}
	}
	t.Logf("%d changes found: %v", mutations, done)
}

// errNotNow says that a draw makes no change.
var errNotNow = errors.New("no change")

// ways are what a tamperer can do, with how often.
var ways = []struct {
	name   string
	weight int
	do     func(*tamperer, context.Context, *db.Tx) (string, error)
}{
	{"flip", 50, (*tamperer).flip},
	{"drop", 12, (*tamperer).drop},
	{"insert", 10, (*tamperer).insert},
	{"swap", 14, (*tamperer).swap},
	{"truncate", 6, (*tamperer).truncate},
	{"rehash", 5, (*tamperer).rehash},
	{"cut", 3, (*tamperer).cut},
}

// tamperer holds the sealed rows as they are.
type tamperer struct {
	*rand.Rand
	rows  map[string][][]any
	notes []string

	public string      // of the log's key
	forger note.Signer // of another key with the same name
}

func newTamperer(t *testing.T, w *world) *tamperer {
	t.Helper()
	secret, err := ledger.GenerateKey(dbtest.Chance(99), "achteraf/test/log")
	if err != nil {
		t.Fatal(err)
	}
	forger, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	m := &tamperer{rand.New(rand.NewPCG(7, 7)), map[string][][]any{}, notesOf(t, w.DB), w.key.Public, forger}
	err = w.Read(t.Context(), func(tx *db.Tx) (err error) {
		for i := range shapes {
			if m.rows[shapes[i].name], err = shapes[i].load(t.Context(), tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *tamperer) weighted() int {
	n := m.IntN(100)
	for i, w := range ways {
		if n -= w.weight; n < 0 {
			return i
		}
	}
	panic("weights are not 100")
}

// pick draws a table and one of its rows.
func (m *tamperer) pick() (*shape, []any) {
	s := &shapes[m.IntN(len(shapes))]
	rows := m.rows[s.name]
	return s, rows[m.IntN(len(rows))]
}

// other returns another value of the same type, often a close one.
func (m *tamperer) other(v any) any {
	switch v := v.(type) {
	case int64:
		return []int64{v + 1, v - 1, -v, v ^ 1<<m.IntN(63), 0, v + 256}[m.IntN(6)]
	case calendar.Instant:
		return v.Add([]time.Duration{time.Microsecond, -time.Microsecond, time.Hour, -24 * time.Hour}[m.IntN(4)])
	case string:
		for { // a note holds letters of several bytes, and neither engine takes half of one
			if x := string(m.bytes([]byte(v), true)); utf8.ValidString(x) {
				return x
			}
		}
	case []byte:
		return m.bytes(slices.Clone(v), false)
	}
	panic("no such type")
}

// bytes flips a bit, or a letter, or makes b longer or shorter.
func (m *tamperer) bytes(b []byte, letters bool) []byte {
	switch {
	case m.IntN(8) == 0:
		return append(b, "0 \n"[m.IntN(3)])
	case len(b) > 0 && m.IntN(8) == 0:
		return b[:len(b)-1]
	case len(b) == 0:
		return []byte{'x'}
	case letters:
		b[m.IntN(len(b))] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/=- \n"[m.IntN(68)]
	default:
		b[m.IntN(len(b))] ^= 1 << m.IntN(8)
	}
	return b
}

func (m *tamperer) flip(ctx context.Context, tx *db.Tx) (string, error) {
	s, row := m.pick()
	c := m.IntN(len(s.columns))
	v := m.other(row[c])
	if same(v, row[c]) {
		return "", errNotNow
	}
	return fmt.Sprintf("%s.%s of %v to %v", s.name, s.columns[c], row, v), s.set(ctx, tx, row, c, v)
}

func same(a, b any) bool { return fmt.Sprintf("%T %v", a, a) == fmt.Sprintf("%T %v", b, b) }

func (m *tamperer) drop(ctx context.Context, tx *db.Tx) (string, error) {
	s, row := m.pick()
	return fmt.Sprintf("%s without %v", s.name, row), s.drop(ctx, tx, row)
}

// insert adds a copy of a row under another key.
func (m *tamperer) insert(ctx context.Context, tx *db.Tx) (string, error) {
	s, row := m.pick()
	row = slices.Clone(row)
	c := m.IntN(s.keys)
	row[c] = m.other(row[c])
	if s.name == "entries" && m.IntN(2) == 0 {
		row[4] = m.other(row[4]) // a new key too
	}
	return fmt.Sprintf("%s with %v", s.name, row), s.insert(ctx, tx, row)
}

// swap exchanges one column, or all columns but the key, of two rows.
func (m *tamperer) swap(ctx context.Context, tx *db.Tx) (string, error) {
	s, a := m.pick()
	b := m.rows[s.name][m.IntN(len(m.rows[s.name]))]
	if m.IntN(3) == 0 {
		return m.exchange(ctx, tx, s, a, b)
	}
	c := m.IntN(len(s.columns))
	if same(a[c], b[c]) {
		return "", errNotNow
	}
	if c < s.keys {
		return m.exchange(ctx, tx, s, a, b)
	}
	if err := s.set(ctx, tx, a, c, b[c]); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s.%s of %v and %v", s.name, s.columns[c], a, b), s.set(ctx, tx, b, c, a[c])
}

// exchange gives two rows each other's keys.
func (m *tamperer) exchange(ctx context.Context, tx *db.Tx, s *shape, a, b []any) (string, error) {
	x := slices.Concat(b[:s.keys], a[s.keys:])
	y := slices.Concat(a[:s.keys], b[s.keys:])
	if same(a[s.keys:], b[s.keys:]) || same(a[:s.keys], b[:s.keys]) {
		return "", errNotNow
	}
	for _, row := range [][]any{a, b} {
		if err := s.drop(ctx, tx, row); err != nil {
			return "", err
		}
	}
	if err := s.insert(ctx, tx, x); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: the keys of %v and %v", s.name, a, b), s.insert(ctx, tx, y)
}

// truncate removes the last places from the journal and some of what stands over it.
func (m *tamperer) truncate(ctx context.Context, tx *db.Tx) (string, error) {
	seals := m.rows["seals"]
	slices.SortFunc(seals, func(a, b []any) int { return int(a[0].(int64) - b[0].(int64)) })
	from := len(seals) - 1 - m.IntN(min(20, len(seals)-1))
	tables := []string{"seals", "commits", "entries", "postings"}
	keep := m.IntN(2 * len(tables)) // one table keeps its rows, or none does
	for i, table := range tables {
		if i == keep {
			continue
		}
		for _, s := range seals[from:] {
			if _, err := tx.Exec(ctx, "delete from "+table+" where writer = $1 and seq = $2", s[1], s[2]); err != nil {
				return "", err
			}
		}
	}
	return fmt.Sprintf("all from place %d, but table %d", seals[from][0], keep), nil
}

// rehash changes an entry and makes digests, tiles and balances fit. Only the signatures cannot be made.
func (m *tamperer) rehash(ctx context.Context, tx *db.Tx) (string, error) {
	place := m.IntN(len(m.rows["entries"]))
	e := m.rows["entries"][place]
	change := []string{
		"update postings set cents = 3 * cents where writer = $1 and seq = $2 and n = $3",
		"update postings set code = 'merchant/payable' where writer = $1 and seq = $2 and n = $3 and code = 'merchant/pending'",
		"update entries set kind = 'gift' where writer = $1 and seq = $2 and n = $3",
	}[m.IntN(3)]
	n, err := tx.Exec(ctx, change, e[0], e[1], e[2])
	if err != nil || n == 0 {
		return "", errors.Join(err, errNotNow)
	}
	roots, err := refit(ctx, tx)
	if err != nil {
		return "", err
	}
	trick := m.IntN(4)
	return fmt.Sprintf("%s for %v, trick %d", change, e, trick), m.resign(ctx, tx, roots, trick)
}

// resign does what can be done to checkpoints without the key.
func (m *tamperer) resign(ctx context.Context, tx *db.Tx, roots map[int64]hash, trick int) error {
	after := int64(0)
	for _, row := range m.rows["checkpoints"] {
		size := row[0].(int64)
		lines := strings.Split(row[1].(string), "\n")
		if lines[2] == roots[size].String() {
			after = size
			continue // from before the change
		}
		lines[2] = roots[size].String()
		s := &shapes[5]
		var err error
		switch trick {
		case 0: // left as they are
		case 1: // a new text over the old signature
			err = s.set(ctx, tx, row, 1, strings.Join(lines, "\n"))
		case 2: // signed by another key of the same name
			err = s.set(ctx, tx, row, 1, m.signed(strings.Join(lines[:5], "\n")+"\n"))
		case 3: // removed, with a new one at the end
			if err = s.drop(ctx, tx, row); err == nil && size == int64(len(m.rows["entries"])) {
				lines[3] = fmt.Sprintf("after %d", after)
				err = s.insert(ctx, tx, []any{size, m.signed(strings.Join(lines[:5], "\n") + "\n"), row[2]})
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *tamperer) signed(body string) string {
	n, err := note.Sign(&note.Note{Text: body}, m.forger)
	if err != nil {
		panic(err)
	}
	return string(n)
}

// cut goes back to an older checkpoint and makes everything fit.
func (m *tamperer) cut(ctx context.Context, tx *db.Tx) (string, error) {
	i := m.IntN(len(m.notes) - 1)
	size := m.rows["checkpoints"][i][0].(int64)
	if err := cutAt(ctx, tx, size); err != nil {
		return "", err
	}
	if _, err := In(ctx, tx, Options{PublicKey: m.public}); err != nil {
		return "", fmt.Errorf("the cut shows without a checkpoint from outside, so it is a bad test: %w", err)
	}
	return fmt.Sprintf("all from place %d", size), nil
}

// cutAt removes everything from a place on, but for the tail, and makes the rest fit.
func cutAt(ctx context.Context, tx *db.Tx, size int64) error {
	for _, table := range []string{"postings", "entries", "commits"} {
		_, err := tx.Exec(ctx, "delete from "+table+" where not exists (select 1 from seals s where s.writer = "+table+".writer and s.seq = "+table+".seq and s.first_place < $1)", size)
		if err != nil {
			return err
		}
	}
	for _, sql := range []string{"delete from seals where first_place >= $1", "delete from checkpoints where size > $1"} {
		if _, err := tx.Exec(ctx, sql, size); err != nil {
			return err
		}
	}
	_, err := refit(ctx, tx)
	return err
}

// refit recomputes digests, tiles and balances from the sealed rows, and returns the root at each size.
func refit(ctx context.Context, tx *db.Tx) (map[int64]hash, error) {
	commits, err := sealedCommits(ctx, tx)
	if err != nil {
		return nil, err
	}
	a := &audit{names: numbers{}, sums: map[account]*sum{}, open: map[account]int64{}, tail: map[int32]int64{}}
	j := &journal{audit: a}
	roots := map[int64]hash{}
	var leaves []hash
	for _, k := range commits {
		var digest hash
		for i := range k.entries {
			leaf, _ := k.entries[i].leaf(k, nil)
			digest = sha256.Sum256(append(digest[:], leaf[:]...))
			j.reckon(&k.entries[i], j.tree.size)
			j.tree.add(leaf)
			leaves = append(leaves, leaf)
			roots[j.tree.size] = j.tree.root()
		}
		if _, err := tx.Exec(ctx, "update commits set digest = $3 where writer = $1 and seq = $2", k.writer, k.seq, digest[:]); err != nil {
			return nil, err
		}
	}
	return roots, store(ctx, tx, j, leaves)
}

// store writes tiles and balances anew.
func store(ctx context.Context, tx *db.Tx, j *journal, leaves []hash) error {
	for _, sql := range []string{"delete from log_tiles", "delete from balances"} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	for level, nodes := range append([][]hash{leaves}, j.tree.upper...) {
		for n := 0; n*256 < len(nodes); n++ {
			var data []byte
			for _, h := range nodes[n*256 : min((n+1)*256, len(nodes))] {
				data = append(data, h[:]...)
			}
			if err := shapes[4].insert(ctx, tx, []any{level, n, len(data) / 32, data}); err != nil {
				return err
			}
		}
	}
	for name, s := range j.sums {
		row := []any{codeOf(name.code), j.names.word(name.merchant), name.subject, j.names.word(name.currency), s.cents, s.entries, s.place}
		if err := shapes[6].insert(ctx, tx, row); err != nil {
			return err
		}
	}
	return nil
}

// sealedCommits reads the sealed journal in the order of its places.
func sealedCommits(ctx context.Context, tx *db.Tx) (commits []*commit, err error) {
	batches, stop := make(chan *batch, 1000), make(chan struct{})
	r := &reader{tx: tx, to: batches, stop: stop}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	r.run(ctx)
	for b := range batches {
		if b.err != nil {
			return nil, b.err
		}
		if b.seals != nil {
			commits = append(commits, b.commits...)
		}
	}
	return commits, nil
}
