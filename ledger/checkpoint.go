package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"achteraf/calendar"
	"achteraf/internal/db"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed statement of the whole log at one size.
type Checkpoint struct {
	Size     int64
	Root     tlog.Hash
	After    int64 // size of the checkpoint before it, 0 for the first
	SealedAt calendar.Instant
	Note     string // as signed, for publishing
}

const lastCheckpoint = `select size, note, sealed_at from checkpoints order by size desc limit 1`

// Latest returns the newest checkpoint; one of size 0 without a note when nothing is sealed yet. It takes
// the note's word for what it says: who must know checks the signature.
func Latest(ctx context.Context, tx *db.Tx) (Checkpoint, error) {
	var c Checkpoint
	err := tx.QueryRow(ctx, lastCheckpoint, nil, &c.Size, &c.Note, &c.SealedAt)
	if errors.Is(err, db.ErrNone) {
		return emptyLog()
	}
	if err != nil {
		return c, err
	}
	_, text, _ := strings.Cut(c.Note, "\n")
	said, err := parseBody(text)
	if err != nil || said.Size != c.Size {
		return c, fmt.Errorf("ledger: checkpoint %d cannot be read: %w", c.Size, errors.Join(err, errUnlike))
	}
	c.Root, c.After = said.Root, said.After
	return c, nil
}

var errUnlike = errors.New("it is not what its row says")

// emptyLog is the checkpoint of a log without entries, which is never stored.
func emptyLog() (c Checkpoint, err error) {
	c.Root, err = tlog.TreeHash(0, nil)
	return c, err
}

// sign makes c's note. Its text is a C2SP checkpoint (origin, size, root) with two lines of ours.
func (k *Key) sign(c *Checkpoint) error {
	text := fmt.Sprintf("%s\n%d\n%s\nafter %d\nat %s\n", k.Origin(), c.Size, c.Root, c.After, c.SealedAt)
	signed, err := note.Sign(&note.Note{Text: text}, k.signer)
	c.Note = string(signed)
	return err
}

// open reads a note that this key has signed.
func (k *Key) open(signed string) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(k.verifier))
	if err != nil {
		return Checkpoint{}, err
	}
	origin, text, _ := strings.Cut(n.Text, "\n")
	if origin != k.Origin() {
		return Checkpoint{}, errors.New("the checkpoint is of another log")
	}
	c, err := parseBody(text)
	c.Note = signed
	return c, err
}

// parseBody reads the lines after the origin.
func parseBody(text string) (c Checkpoint, err error) {
	lines := strings.SplitN(text, "\n", 5)
	if len(lines) < 5 {
		return c, errors.New("the checkpoint has too few lines")
	}
	after, ok1 := strings.CutPrefix(lines[2], "after ")
	at, ok2 := strings.CutPrefix(lines[3], "at ")
	var errs [4]error
	c.Size, errs[0] = strconv.ParseInt(lines[0], 10, 64)
	c.Root, errs[1] = tlog.ParseHash(lines[1])
	c.After, errs[2] = strconv.ParseInt(after, 10, 64)
	c.SealedAt, errs[3] = calendar.ParseInstant(at)
	if err = errors.Join(errs[:]...); err == nil && !(ok1 && ok2) {
		err = errors.New("the checkpoint lacks a line")
	}
	return c, err
}
