package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

var balancesTable = db.NewTable("balances", `on conflict (code, merchant_id, subject, currency) do update
 set cents = balances.cents + excluded.cents, entries = balances.entries + excluded.entries, place = excluded.place`,
	db.Col{Name: "code", Type: db.Text}, db.Col{Name: "merchant_id", Type: db.Text}, db.Col{Name: "subject", Type: db.Text},
	db.Col{Name: "currency", Type: db.Text}, db.Col{Name: "cents", Type: db.Bigint}, db.Col{Name: "entries", Type: db.Bigint},
	db.Col{Name: "place", Type: db.Bigint})

const (
	snapshot = `
select cents from balances where code = $1 and merchant_id = $2 and subject = $3 and currency = $4`
	tail = live + `
select cast(coalesce(sum(p.cents), 0) as bigint)
  from live
  join postings p on p.writer = live.writer and p.seq > live.sealed
  join entries e on e.writer = p.writer and e.seq = p.seq and e.n = p.n and e.merchant_id = p.merchant_id
 where p.code = $2 and p.merchant_id = $3 and p.subject = $4 and e.currency = $5`
)

// Balance returns the balance of a summary account in cents, debits positive: the sealer's snapshot and
// what is not sealed yet. Error: the chart has no such summary account.
func Balance(ctx context.Context, tx *db.Tx, code, merchant, subject, currency string) (int64, error) {
	if a := accounts[code]; a == nil || !a.summary() || !a.fits(subject) {
		return 0, fmt.Errorf("ledger: %s of %q is no summary account", code, subject)
	}
	var sealed, recent int64
	err := tx.QueryRow(ctx, snapshot, []any{code, merchant, subject, currency}, &sealed)
	if err != nil && !errors.Is(err, db.ErrNone) {
		return 0, err
	}
	from, err := firstLive(ctx, tx)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, tail, []any{from, code, merchant, subject, currency}, &recent)
	return sealed + recent, err
}

// LagAlarm is how far the sealer may fall behind before somebody must look.
const LagAlarm = 5 * time.Second

// Behind is what is committed and not sealed yet.
type Behind struct {
	Commits, Entries int64
	Age              time.Duration // of the oldest, in wall time
}

// Late says whether the sealer is further behind than LagAlarm.
func (b Behind) Late() bool { return b.Age > LagAlarm }

const behind = live + `
select count(*), cast(coalesce(sum(c.entries), 0) as bigint), min(c.committed_at)
  from live join commits c on c.writer = live.writer and c.seq > live.sealed`

// Lag says how far the sealer is behind.
func Lag(ctx context.Context, tx *db.Tx) (b Behind, err error) {
	from, err := firstLive(ctx, tx)
	if err != nil {
		return b, err
	}
	var oldest calendar.Instant
	err = tx.QueryRow(ctx, behind, []any{from}, &b.Commits, &b.Entries, &oldest)
	if b.Commits > 0 {
		b.Age = max(tx.Wall.Sub(oldest), 0)
	}
	return b, err
}
