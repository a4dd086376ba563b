package vault

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// AddKey returns a key file with one more master key at its end: it opens, and seals nothing until UseKey. Every node
// must know a key before any of them seals with it. Its id is drawn, so that keys that were added to two copies of a file
// are never taken for one another.
func AddKey(text []byte, random io.Reader) (changed []byte, id string, err error) {
	if _, err := Parse(text); err != nil {
		return nil, "", err
	}
	var tail [5]byte
	if _, err := io.ReadFull(random, tail[:]); err != nil {
		return nil, "", fmt.Errorf("make a master key: %w", err)
	}
	id = "key-" + hex.EncodeToString(tail[:])
	line, err := NewLine(id, random)
	if err != nil {
		return nil, "", err
	}
	changed = fmt.Appendf(nil, "%s\n%s\n", strings.TrimRight(string(text), "\r\n"), line)
	_, err = Parse(changed)
	return changed, id, err
}

// UseKey returns a key file whose first key, which seals, is the one with this id. The others go on opening what they
// sealed.
func UseKey(text []byte, id string) ([]byte, error) {
	v, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if v.master(id) == nil {
		return nil, fmt.Errorf("key file: has no key %q", id)
	}
	lines := slices.Collect(strings.Lines(strings.TrimRight(string(text), "\r\n") + "\n"))
	first := slices.IndexFunc(lines, func(l string) bool { return keyOf(l) != "" })
	its := slices.IndexFunc(lines, func(l string) bool { return keyOf(l) == id })
	line := lines[its]
	lines = slices.Insert(slices.Delete(lines, its, its+1), first, line)
	return []byte(strings.Join(lines, "")), nil
}

// keyOf is the id of the key in a line, "" when there is none.
func keyOf(line string) string {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return ""
	}
	return words[0]
}

// IDs lists the ids of the master keys, the one that seals first.
func (v *Vault) IDs() []string {
	ids := make([]string, len(v.masters))
	for i, m := range v.masters {
		ids[i] = m.id
	}
	return ids
}
