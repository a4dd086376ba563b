package ledger

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestEdge compares the right edge with package tlog over a tree of three levels of tiles.
func TestEdge(t *testing.T) {
	const leaves = tileWidth*tileWidth + 3*tileWidth + 5
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			found[i] = stored[x]
		}
		return found, nil
	})
	tiles := map[[2]int64][]byte{}
	keep := func(ts []tile) {
		for _, tl := range ts {
			tiles[[2]int64{tl.level, tl.n}] = slices.Clone(tl.data)
		}
	}
	e := &edge{}
	for n := range int64(leaves) {
		leaf := tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(n)))
		more, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		done, err := e.add(leaf, nil)
		if err != nil {
			t.Fatal(err)
		}
		keep(done)
		if size := n + 1; size%97 == 0 || size%tileWidth < 2 || size == leaves {
			want, err := tlog.TreeHash(size, reader)
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.root()
			if err != nil || got != want {
				t.Fatalf("root of %d leaves: %s, %v, want %s", size, got, err, want)
			}
		}
	}
	keep(e.partial())
	want := tlog.NewTiles(tileHeight, 0, leaves)
	if len(want) != len(tiles) {
		t.Errorf("%d tiles, want %d", len(tiles), len(want))
	}
	for _, tl := range want {
		data, err := tlog.ReadTileData(tl, reader)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(data, tiles[[2]int64{int64(tl.L), tl.N}]) {
			t.Errorf("tile %s differs", tl.Path())
		}
	}
}
