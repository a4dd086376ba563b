package platform

import (
	"context"
	"errors"

	"achteraf/internal/db"
)

// What a database is for. It is marked once and never changes.
const (
	NoKind   = ""
	DemoKind = "demo"
	LiveKind = "live"
)

const markKind = `insert into facts (name, value) values ('kind', $1) on conflict (name) do nothing`

// Kind returns what a database was marked for.
func Kind(ctx context.Context, d *db.DB) (kind string, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, `select value from facts where name = 'kind'`, nil, &kind)
		if errors.Is(err, db.ErrNone) {
			return nil
		}
		return err
	})
	return kind, err
}

// Mark says what a new database is for.
func Mark(ctx context.Context, d *db.DB, kind string) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, markKind, kind)
		return err
	})
}

// KeepPublicKey writes the log's public key beside the rows, once. It fails when the log was begun with
// another key: nothing could be sealed then.
func KeepPublicKey(ctx context.Context, d *db.DB, key string) error {
	err := d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into facts (name, value) values ('log-key', $1) on conflict (name) do nothing`, key)
		return err
	})
	if err != nil {
		return err
	}
	kept, err := PublicKey(ctx, d)
	if err == nil && kept != key {
		err = errors.New("log key: the log of this database was begun with another key; use that one")
	}
	return err
}

// PublicKey reads the log's public key; "" when nothing was sealed yet.
func PublicKey(ctx context.Context, d *db.DB) (key string, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, `select value from facts where name = 'log-key'`, nil, &key)
		if errors.Is(err, db.ErrNone) {
			return nil
		}
		return err
	})
	return key, err
}
