package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// notes are the signed checkpoints that wait for the tree to reach their size.
type notes struct {
	waiting []signed
	last    int64      // size of the latest one met
	outside *statement // the one from outside, until its size is reached
}

// statement is what a checkpoint says.
type statement struct {
	size, after int64
	root        string
	at          string
	signed      *note.Note
}

// read opens a note that the key has signed: origin, size, root, the size before it, the time.
func (a *audit) read(text string) (*statement, error) {
	n, err := note.Open([]byte(text), note.VerifierList(a.key))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 6 || lines[0] != a.key.Name() || lines[5] != "" {
		return nil, fmt.Errorf("not five lines of the log %s", a.key.Name())
	}
	size, err1 := strconv.ParseInt(lines[1], 10, 64)
	after, err2 := strconv.ParseInt(strings.TrimPrefix(lines[3], "after "), 10, 64)
	root, err3 := base64.StdEncoding.DecodeString(lines[2])
	at, found := strings.CutPrefix(lines[4], "at ")
	if err1 != nil || err2 != nil || err3 != nil || !found || len(root) != len(hash{}) {
		return nil, errors.New("a line cannot be read")
	}
	return &statement{size, after, lines[2], at, n}, nil
}

// plainNote holds that a stored note is its text and one signature in the one way there is to write them.
func plainNote(text string, s *statement) error {
	if len(s.signed.Sigs) != 1 || len(s.signed.UnverifiedSigs) != 0 {
		return errors.New("more than one signature")
	}
	sig := s.signed.Sigs[0]
	data, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if want := s.signed.Text + "\n— " + sig.Name + " " + base64.StdEncoding.EncodeToString(data) + "\n"; err != nil || text != want {
		return errors.New("a note that is not written as it was signed")
	}
	return nil
}

// startNotes opens the checkpoint from outside.
func (j *journal) startNotes() error {
	if j.options.Checkpoint == nil {
		return nil
	}
	s, err := j.read(string(j.options.Checkpoint))
	if err != nil {
		return fmt.Errorf("verify: the given checkpoint cannot be read: %w", err)
	}
	j.notes.outside = s
	return j.outside()
}

// checkpoint holds the checkpoints of the tree's present size against its root.
func (j *journal) checkpoint() error {
	for len(j.notes.waiting) > 0 && j.notes.waiting[0].size <= j.tree.size {
		w := j.notes.waiting[0]
		j.notes.waiting = j.notes.waiting[1:]
		if err := j.hold(&w); err != nil {
			return err
		}
	}
	return j.outside()
}

func (j *journal) hold(w *signed) error {
	row := fmt.Sprintf("size %d", w.size)
	s, err := j.read(w.note)
	if err == nil {
		err = plainNote(w.note, s)
	}
	switch {
	case err != nil:
		return differs("checkpoints", "checkpoints", row, "a note signed by "+j.options.PublicKey, err)
	case s.size != w.size:
		return differs("checkpoints", "checkpoints", row, fmt.Sprintf("size %d, as signed", s.size), w.size)
	case s.at != w.at:
		return differs("checkpoints", "checkpoints", row, fmt.Sprintf("sealed_at %s, as signed", s.at), w.at)
	case s.after != j.notes.last:
		return differs("checkpoints", "checkpoints", row, fmt.Sprintf("a checkpoint of size %d before it", s.after), j.notes.last)
	case s.root != j.tree.root().String():
		return differs("checkpoints", "checkpoints", row, "root "+j.tree.root().String(), s.root)
	}
	j.notes.last = w.size
	j.report.Checkpoints++
	return nil
}

// outside holds the log against the given checkpoint once it has that size.
func (j *journal) outside() error {
	s := j.notes.outside
	if s == nil || s.size != j.tree.size {
		return nil
	}
	j.notes.outside = nil
	if root := j.tree.root().String(); root != s.root {
		return differs("outside", "the given checkpoint", fmt.Sprintf("size %d", s.size), "root "+s.root,
			fmt.Sprintf("%s: the log was rewritten at or before place %d", root, s.size-1))
	}
	return nil
}

// endNotes holds that the checkpoints reach to the end of the log and not beyond.
func (j *journal) endNotes() error {
	if err := j.checkpoint(); err != nil {
		return err
	}
	if s := j.notes.outside; s != nil {
		return differs("outside", "the given checkpoint", fmt.Sprintf("size %d", s.size), fmt.Sprintf("%d places", s.size),
			fmt.Sprintf("%d: the log was cut or rewritten at or before place %d", j.tree.size, s.size-1))
	}
	if len(j.notes.waiting) > 0 {
		return differs("checkpoints", "checkpoints", fmt.Sprintf("size %d", j.notes.waiting[0].size), fmt.Sprintf("a log of %d places", j.tree.size), "a checkpoint beyond its end")
	}
	if j.notes.last != j.tree.size {
		return differs("checkpoints", "checkpoints", fmt.Sprintf("size %d", j.tree.size), "a checkpoint over the whole log", fmt.Sprintf("the last one has size %d", j.notes.last))
	}
	return nil
}
