package ledger

import (
	"context"
	"errors"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
)

// A writer's name is "w", nine digits of base 32 for the milliseconds at which it began, and chance. It is
// used for a day (internal/db), so only names of the last two days can still get commits: the sealer looks
// at no others, and dead writers cost nothing.
const writerWindow = 48 * time.Hour

// live is the beginning of a statement that needs the writers from name $1 on, each with the last number
// sealed or -1. It hops from name to name through the primary key.
const live = `
with recursive names (writer) as (
    select min(writer) from commits where writer >= $1
    union all
    select (select min(c.writer) from commits c where c.writer > names.writer) from names where names.writer is not null
), live (writer, sealed) as (
    select names.writer, coalesce((select max(s.seq) from seals s where s.writer = names.writer), -1)
      from names where names.writer is not null
)
`

const lastSealed = `
select writer, sealed_at from seals, (select sealed_at from checkpoints order by size desc limit 1) as latest
 order by first_place desc limit 1`

// firstLive returns a name before that of every writer that may have commits to seal. Writers are sealed
// in the order of their names. So when the latest round was cut short, all before the last one sealed were
// done; and what began two days before that round had ended by then.
func firstLive(ctx context.Context, tx *db.Tx) (string, error) {
	var writer string
	var sealed calendar.Instant
	err := tx.QueryRow(ctx, lastSealed, nil, &writer, &sealed)
	if errors.Is(err, db.ErrNone) {
		return "", nil
	}
	return min(writer, nameFrom(sealed.Add(-writerWindow))), err
}

// nameFrom returns the lowest name of a writer that begins at i.
func nameFrom(i calendar.Instant) string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz" // as in internal/db
	name := []byte("w000000000")
	for at, ms := len(name)-1, max(i.Micros()/1000, 0); at > 0; at, ms = at-1, ms/32 {
		name[at] = digits[ms%32]
	}
	return string(name)
}
