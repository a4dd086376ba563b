package db

import (
	"context"
	"sync"
)

const (
	readVersions = `select what, n from versions`
	bumpVersion  = `
insert into versions (what, n) values ($1, 1)
    on conflict (what) do update set n = versions.n + 1`
)

// Version is the number of a set of rows that changes seldom, such as the shops and their keys: whoever
// writes one of them bumps it in the same transaction. They are few, and all are
// read when the first is asked for.
func (tx *Tx) Version(ctx context.Context, name string) (int64, error) {
	if !tx.counted {
		if err := tx.count(ctx); err != nil {
			return 0, err
		}
	}
	return tx.versions[name], nil
}

func (tx *Tx) count(ctx context.Context) error {
	read := map[string]int64{}
	err := tx.Each(ctx, readVersions, nil, func(r Row) error {
		var what string
		var n int64
		err := r.Scan(&what, &n)
		read[what] = n
		return err
	})
	if err != nil {
		return err
	}
	for what := range tx.versions { // bumped here before
		read[what] = -1
	}
	tx.versions, tx.counted = read, true
	return nil
}

// Bump says that a set of rows changes with this transaction.
func (tx *Tx) Bump(ctx context.Context, name string) error {
	if tx.versions == nil {
		tx.versions = map[string]int64{}
	}
	tx.versions[name] = -1 // what this transaction reads of them is nobody else's yet
	_, err := tx.Exec(ctx, bumpVersion, name)
	return err
}

// Kept remembers rows of a versioned set between transactions, by key. What it gives is never older than the
// version that the transaction at hand has read.
type Kept[K comparable, V any] struct {
	name string

	mu      sync.Mutex
	version int64
	rows    map[K]V
}

// mostKept bounds what a Kept remembers; beyond it everything is forgotten.
const mostKept = 100_000

// NewKept makes a Kept for the versioned set of a name.
func NewKept[K comparable, V any](name string) *Kept[K, V] { return &Kept[K, V]{name: name} }

// Get returns what is remembered of keys and lets load read the rest. Keys that load does not find are not
// remembered.
func (k *Kept[K, V]) Get(ctx context.Context, tx *Tx, keys []K, load func(missing []K) (map[K]V, error)) (map[K]V, error) {
	version, err := tx.Version(ctx, k.name)
	if err != nil {
		return nil, err
	}
	out := make(map[K]V, len(keys))
	missing := k.recall(version, keys, out)
	if len(missing) == 0 {
		return out, nil
	}
	found, err := load(missing)
	if err != nil {
		return nil, err
	}
	k.keep(version, found)
	for key, v := range found {
		out[key] = v
	}
	return out, nil
}

// recall fills out with what is remembered of this version and returns the other keys, each once.
func (k *Kept[K, V]) recall(version int64, keys []K, out map[K]V) (missing []K) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if version > k.version || len(k.rows) > mostKept {
		k.version, k.rows = max(version, k.version), map[K]V{}
	}
	asked := map[K]bool{}
	for _, key := range keys {
		if _, have := out[key]; have || asked[key] {
			continue
		}
		if v, ok := k.rows[key]; ok && version == k.version {
			out[key] = v
			continue
		}
		asked[key] = true
		missing = append(missing, key)
	}
	return missing
}

func (k *Kept[K, V]) keep(version int64, found map[K]V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if version != k.version || version < 0 {
		return
	}
	if k.rows == nil {
		k.rows = map[K]V{}
	}
	for key, v := range found {
		k.rows[key] = v
	}
}
