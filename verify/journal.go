package verify

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime/debug"
)

// readJournal reads the journal and the log over it once, in the order of the log, and holds every row
// against the others. One goroutine reads, another reckons.
func readJournal(ctx context.Context, a *audit) error {
	total, err := a.total(ctx)
	if err != nil {
		return err
	}
	batches, stop, done := make(chan *batch, 2), make(chan struct{}), make(chan error, 1)
	r := &reader{tx: a.tx, to: batches, stop: stop}
	if err := r.open(ctx); err != nil {
		return err
	}
	a.report.Writers = int64(len(r.writers))
	j := &journal{audit: a, total: total, next: map[string]int64{}}
	go func() {
		defer close(stop)
		done <- guarded(func() error { return j.all(batches) })
	}()
	r.run(ctx)
	return <-done
}

// guarded turns a panic of another goroutine into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("verify: panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// total counts the entries to read, for who watches.
func (a *audit) total(ctx context.Context) (n int64, err error) {
	if a.options.Progress == nil {
		return 0, nil
	}
	return n, a.tx.QueryRow(ctx, `select cast(coalesce(sum(entries), 0) as bigint) from commits`, nil, &n)
}

// journal is the state of the reckoning.
type journal struct {
	*audit
	total, done int64
	next        map[string]int64 // each writer's next seq
	tree        tree
	tiles       []tile // of the lowest level, not used yet
	upper       []tile // of the others
	notes       notes
	leaves      []hash // of one commit
	buf         []byte
}

func (j *journal) all(batches <-chan *batch) error {
	if err := j.startNotes(); err != nil {
		return err
	}
	for b := range batches {
		if err := j.batch(b); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) batch(b *batch) error {
	for _, t := range b.tiles {
		if t.level == 0 {
			j.tiles = append(j.tiles, t)
		} else {
			j.upper = append(j.upper, t)
		}
	}
	j.notes.waiting = append(j.notes.waiting, b.notes...)
	for i, k := range b.commits {
		var err error
		if b.seals != nil {
			err = j.sealed(&b.seals[i], k)
		} else {
			err = j.unsealed(k)
		}
		if err != nil {
			return err
		}
		j.done += int64(len(k.entries))
	}
	if b.err != nil {
		return b.err
	}
	if j.options.Progress != nil {
		j.options.Progress(j.done, j.total)
	}
	if b.ended {
		return j.endOfLog()
	}
	return nil
}

// sealed holds a commit against its seal, and its leaves against the tiles.
func (j *journal) sealed(s *seal, k *commit) error {
	row := fmt.Sprintf("first_place %d", s.first)
	switch {
	case s.first != j.tree.size:
		return differs("seals", "seals", row, fmt.Sprintf("first_place %d", j.tree.size), s.first)
	case s.seq != j.next[s.writer]:
		return differs("seals", "seals", row, fmt.Sprintf("seq %d of writer %s", j.next[s.writer], s.writer), s.seq)
	case s.entries != int64(len(k.entries)):
		return differs("seals", "seals", row, fmt.Sprintf("%d entries", len(k.entries)), s.entries)
	}
	j.next[s.writer]++
	if err := j.commit(k); err != nil {
		return err
	}
	for i := range k.entries {
		e := &k.entries[i]
		if err := j.place(k, e, j.leaves[i]); err != nil {
			return err
		}
	}
	j.report.Sealed += int64(len(k.entries))
	return nil
}

// unsealed holds that a commit of the tail follows the one before it.
func (j *journal) unsealed(k *commit) error {
	if want := j.next[k.writer]; k.seq != want {
		return differs("unsealed", "commits", k.name(), fmt.Sprintf("seq %d", want), k.seq)
	}
	j.next[k.writer]++
	if err := j.commit(k); err != nil {
		return err
	}
	for i := range k.entries {
		j.reckon(&k.entries[i], -1)
	}
	j.report.Unsealed += int64(len(k.entries))
	return nil
}

// commit holds a commit against its entries and leaves their hashes.
func (j *journal) commit(k *commit) error {
	if k.count != int64(len(k.entries)) || k.count < 1 {
		return differs("commits", "commits", k.name(), fmt.Sprintf("%d entries, one at least", len(k.entries)), k.count)
	}
	var digest hash
	var pair [2 * sha256.Size]byte
	j.leaves = j.leaves[:0]
	for i := range k.entries {
		e := &k.entries[i]
		if e.n != int64(i) {
			return differs("commits", "entries", k.entryName(e.n), fmt.Sprintf("n %d", i), e.n)
		}
		if err := e.check(k); err != nil {
			return err
		}
		var leaf hash
		leaf, j.buf = e.leaf(k, j.buf)
		j.leaves = append(j.leaves, leaf)
		copy(pair[:sha256.Size], digest[:])
		copy(pair[sha256.Size:], leaf[:])
		digest = sha256.Sum256(pair[:])
	}
	if string(digest[:]) != string(k.digest) {
		return differs("commits", "commits", k.name(), fmt.Sprintf("digest %x", digest), fmt.Sprintf("%x", k.digest))
	}
	return nil
}

// place gives an entry its place in the tree and holds its hash against the stored tile.
func (j *journal) place(k *commit, e *entry, leaf hash) error {
	place := j.tree.size
	at := place % 256
	if at == 0 && place > 0 {
		if err := j.endOfTile(256); err != nil {
			return err
		}
	}
	row := func() string {
		return fmt.Sprintf("level 0, n %d: place %d, which is %s, key %s of %s", place/256, place, k.entryName(e.n), e.key, e.merchant)
	}
	if len(j.tiles) == 0 || j.tiles[0].n != place/256 || int64(len(j.tiles[0].data)) < (at+1)*sha256.Size {
		return differs("tiles", "log_tiles", row(), leaf, "no hash")
	}
	if found := hash(j.tiles[0].data[at*sha256.Size : (at+1)*sha256.Size]); found != leaf {
		return differs("tiles", "log_tiles", row(), leaf, found)
	}
	j.reckon(e, place)
	j.tree.add(leaf)
	return j.checkpoint()
}

// endOfTile holds that the first waiting tile, whose hashes have all been met, says how many it holds.
func (j *journal) endOfTile(width int64) error {
	t := &j.tiles[0]
	if t.width != width || int64(len(t.data)) != width*sha256.Size {
		return differs("tiles", "log_tiles", fmt.Sprintf("level 0, n %d", t.n), fmt.Sprintf("%d hashes", width),
			fmt.Sprintf("width %d and %d bytes", t.width, len(t.data)))
	}
	j.tiles = j.tiles[1:]
	return nil
}

// endOfLog holds that nothing stands behind the last place, and looks at the upper levels of the tree.
func (j *journal) endOfLog() error {
	if j.tree.size > 0 {
		if err := j.endOfTile((j.tree.size-1)%256 + 1); err != nil {
			return err
		}
	}
	if err := noTiles(j.tiles); err != nil {
		return err
	}
	for level, nodes := range j.tree.upper {
		for n := 0; len(nodes) > 0; n++ {
			width := min(len(nodes), 256)
			if err := upperTile(&j.upper, int64(level+1), int64(n), nodes[:width]); err != nil {
				return err
			}
			nodes = nodes[width:]
		}
	}
	if err := noTiles(j.upper); err != nil {
		return err
	}
	j.report.Root = j.tree.root().String()
	return j.endNotes()
}

func noTiles(rest []tile) error {
	if len(rest) == 0 {
		return nil
	}
	return differs("tiles", "log_tiles", fmt.Sprintf("level %d, n %d", rest[0].level, rest[0].n), "no such tile", "one")
}

// upperTile holds the first of the stored tiles against the nodes that it must have.
func upperTile(stored *[]tile, level, n int64, nodes []hash) error {
	row := fmt.Sprintf("level %d, n %d", level, n)
	if len(*stored) == 0 || (*stored)[0].level != level || (*stored)[0].n != n {
		return differs("tiles", "log_tiles", row, fmt.Sprintf("%d hashes", len(nodes)), "no such tile")
	}
	t := (*stored)[0]
	*stored = (*stored)[1:]
	if t.width != int64(len(nodes)) || len(t.data) != len(nodes)*sha256.Size {
		return differs("tiles", "log_tiles", row, fmt.Sprintf("%d hashes", len(nodes)), fmt.Sprintf("width %d and %d bytes", t.width, len(t.data)))
	}
	for i, h := range nodes {
		if found := hash(t.data[i*sha256.Size : (i+1)*sha256.Size]); found != h {
			return differs("tiles", "log_tiles", fmt.Sprintf("%s, hash %d", row, i), h, found)
		}
	}
	return nil
}

// reckon adds an entry to the derived balances; place is -1 in the tail, which no snapshot has.
func (j *journal) reckon(e *entry, place int64) {
	j.report.Postings += int64(len(e.legs))
	if e.kind == toShop || e.kind == toShopUndone {
		j.receipts++
	}
	merchant, currency := j.names.of(e.merchant), j.names.of(e.currency)
	for i := range e.legs {
		l := &e.legs[i]
		rule := chart[l.code]
		name := account{rule.number, merchant, currency, l.subject}
		if rule.number == atPSP || rule.number == atBank {
			j.elsewhere[name] += l.cents
		}
		if rule.summed() {
			if place >= 0 {
				j.addSum(name, l.cents, place)
			} else {
				j.tail[currency] += l.cents
			}
			continue
		}
		if rule.pooled {
			name.merchant = 0
		}
		if left := j.open[name] + l.cents; left != 0 {
			j.open[name] = left
		} else {
			delete(j.open, name)
		}
	}
}

func (j *journal) addSum(name account, cents, place int64) {
	s := j.sums[name]
	if s == nil {
		s = &sum{place: -1}
		j.sums[name] = s
	}
	s.cents += cents
	if s.place != place {
		s.place = place
		s.entries++
	}
}
