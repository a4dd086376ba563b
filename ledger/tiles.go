package ledger

import (
	"context"
	"fmt"

	"achteraf/internal/db"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight // hashes in a full tile
)

var (
	tilesTable = db.NewTable("log_tiles", "on conflict (level, n) do update set width = excluded.width, data = excluded.data",
		db.Col{Name: "level", Type: db.Bigint}, db.Col{Name: "n", Type: db.Bigint},
		db.Col{Name: "width", Type: db.Bigint}, db.Col{Name: "data", Type: db.Bytes})

	tileAt = db.NewQuery(`select width, data from log_tiles where level = $1 and n = $2`, db.Bigint, db.Bigint)
)

// edge is the right edge of the tree: at each level the last tile as far as it is filled. It is all that
// is needed to append leaves and to know the root.
type edge struct {
	size  int64
	tiles [][]byte // by level; shorter than a full tile
}

// tile is one row of log_tiles.
type tile struct {
	level, n int64
	data     []byte
}

// loadEdge reads the right edge of a tree of that size.
func loadEdge(ctx context.Context, tx *db.Tx, size int64) (*edge, error) {
	e := &edge{size: size}
	keys := newRows(8, 2)
	var at []int // the level of each key
	for level, filled := 0, size; filled > 0; level, filled = level+1, filled/tileWidth {
		e.tiles = append(e.tiles, nil)
		if filled%tileWidth > 0 {
			keys.add(level, filled/tileWidth)
			at = append(at, level)
		}
	}
	err := tx.Find(ctx, tileAt, keys.all, func(i int, r db.Row) error {
		var width int64
		return r.Scan(&width, &e.tiles[at[i]])
	})
	if err != nil {
		return nil, err
	}
	for level := range e.tiles {
		if want := int(size >> (tileHeight * level) % tileWidth * tlog.HashSize); len(e.tiles[level]) != want {
			return nil, fmt.Errorf("ledger: the last tile of level %d holds %d bytes, not %d", level, len(e.tiles[level]), want)
		}
	}
	return e, nil
}

// add appends a leaf and returns done with the tiles that it fills.
func (e *edge) add(leaf tlog.Hash, done []tile) ([]tile, error) {
	h, n := leaf, e.size
	e.size++
	for level := 0; ; level++ {
		if level == len(e.tiles) {
			e.tiles = append(e.tiles, nil)
		}
		e.tiles[level] = append(e.tiles[level], h[:]...)
		if len(e.tiles[level]) < tileWidth*tlog.HashSize {
			return done, nil
		}
		n /= tileWidth
		full := tile{int64(level), n, e.tiles[level]}
		e.tiles[level] = nil
		done = append(done, full)
		var err error
		if h, err = full.top(); err != nil {
			return nil, err
		}
	}
}

// top returns the node above a full tile, which is the first that the tile itself does not hold.
func (t *tile) top() (tlog.Hash, error) {
	var half [2]tlog.Hash
	for i := range half {
		var err error
		index := tlog.StoredHashIndex(tileHeight*int(t.level)+tileHeight-1, 2*t.n+int64(i))
		if half[i], err = tlog.HashFromTile(t.coordinates(), t.data, index); err != nil {
			return half[i], err
		}
	}
	return tlog.NodeHash(half[0], half[1]), nil
}

// partial returns the tiles that are not full yet.
func (e *edge) partial() []tile {
	var open []tile
	for level, data := range e.tiles {
		if len(data) > 0 {
			open = append(open, tile{int64(level), e.size >> (tileHeight * (level + 1)), data})
		}
	}
	return open
}

// root returns the hash of the whole tree. Its complete subtrees are all in the tiles of the edge.
func (e *edge) root() (tlog.Hash, error) {
	return tlog.TreeHash(e.size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			t := tlog.TileForIndex(tileHeight, index)
			if t.L >= len(e.tiles) || len(e.tiles[t.L]) < t.W*tlog.HashSize {
				return nil, fmt.Errorf("ledger: hash %d is not at the edge of the tree", index)
			}
			var err error
			if found[i], err = tlog.HashFromTile(t, e.tiles[t.L], index); err != nil {
				return nil, err
			}
		}
		return found, nil
	}))
}

func (t *tile) coordinates() tlog.Tile {
	return tlog.Tile{H: tileHeight, L: int(t.level), N: t.n, W: len(t.data) / tlog.HashSize}
}

// tileReader serves the stored tiles to package tlog, which checks them against a root.
type tileReader struct {
	ctx context.Context
	tx  *db.Tx
}

// hashes reads the tree of a checkpoint. What it returns is proved to be in that tree.
func hashes(ctx context.Context, tx *db.Tx, c *Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{ctx, tx})
}

func (r tileReader) Height() int { return tileHeight }

func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles cuts each stored tile, which may have grown since, to the width asked for.
func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	keys := newRows(len(tiles), 2)
	for _, t := range tiles {
		keys.add(t.L, t.N)
	}
	found := make([][]byte, len(tiles))
	err := r.tx.Find(r.ctx, tileAt, keys.all, func(i int, row db.Row) error {
		var width int64
		return row.Scan(&width, &found[i])
	})
	if err != nil {
		return nil, err
	}
	for i, t := range tiles {
		if len(found[i]) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("ledger: tile %s is missing or too short", t.Path())
		}
		found[i] = found[i][:t.W*tlog.HashSize]
	}
	return found, nil
}
