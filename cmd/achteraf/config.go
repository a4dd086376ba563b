package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"achteraf/calendar"
	"achteraf/internal/db"
	"achteraf/merchants"
	"achteraf/migrations"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// database says where the rows are. Every command takes it.
type database struct {
	DatabaseURL string `help:"postgres://… or sqlite:PATH." env:"ACHTERAF_DATABASE_URL" placeholder:"URL"`
	Data        string `help:"Folder of an SQLite database (DIR/achteraf.db)." env:"ACHTERAF_DATA" placeholder:"DIR" type:"path"`
	Config      string `help:"Configuration file (TOML)." env:"ACHTERAF_CONFIG" placeholder:"FILE" type:"existingfile"`
}

// url is the address of the database, "" when none was named.
func (d *database) url() (string, error) {
	switch {
	case d.DatabaseURL != "" && d.Data != "":
		return "", errors.New("give --database-url or --data, not both")
	case d.DatabaseURL != "":
		return d.DatabaseURL, nil
	case d.Data != "":
		if err := os.MkdirAll(d.Data, 0o700); err != nil {
			return "", err
		}
		return "sqlite:" + filepath.Join(d.Data, "achteraf.db"), nil
	}
	return "", nil
}

// open opens the database that was named, and says how to name one.
func (d *database) open(ctx context.Context, o db.Options) (*db.DB, error) {
	url, err := d.url()
	if err != nil {
		return nil, err
	}
	if url == "" {
		return nil, errors.New("name a database: --data DIR, or --database-url postgres://…")
	}
	return openDB(ctx, url, o)
}

func openDB(ctx context.Context, url string, o db.Options) (*db.DB, error) {
	o.Wall, o.Random = wall, chance()
	return db.Open(ctx, url, o)
}

// migrated opens a database and brings its tables up to date.
func migrated(ctx context.Context, url string, o db.Options) (*db.DB, error) {
	d, err := openDB(ctx, url, o)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx, migrations.Files); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// wall is the one place that reads the real clock.
func wall() calendar.Instant { return calendar.At(time.Now()) }

// lockedReader lets many goroutines draw from one buffered source of chance.
type lockedReader struct {
	mu sync.Mutex
	r  *bufio.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.ReadFull(l.r, p)
}

// chance is the real source of randomness, buffered: an id needs eight bytes, a system call gives more.
func chance() io.Reader { return &lockedReader{r: bufio.NewReaderSize(rand.Reader, 4096)} }

func logger(w io.Writer, jsonLines bool) *slog.Logger {
	if jsonLines {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// secret reads a secret from the environment or from a file, never from a flag, which others could see.
func secret(env, file string) (string, error) {
	if v := os.Getenv(env); v != "" {
		return v, nil
	}
	if file == "" {
		return "", nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others than its owner; run chmod 600 on it", file)
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

// fileResolver takes the values of flags that were given neither as flag nor in the environment from the
// TOML file named by --config. Keys are the flags' names with underscores.
type fileResolver struct {
	once sync.Once
	keys map[string]any
	err  error
}

func (f *fileResolver) Validate(*kong.Application) error { return nil }

func (f *fileResolver) Resolve(c *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "config" || flag.Name == "help" {
		return nil, nil
	}
	f.once.Do(func() { f.load(c) })
	if f.err != nil {
		return nil, f.err
	}
	v, ok := f.keys[strings.ReplaceAll(flag.Name, "-", "_")]
	if !ok {
		return nil, nil
	}
	return fmt.Sprint(v), nil
}

func (f *fileResolver) load(c *kong.Context) {
	path := os.Getenv("ACHTERAF_CONFIG")
	for i, a := range c.Args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			path = v
		} else if a == "--config" && i+1 < len(c.Args) {
			path = c.Args[i+1]
		}
	}
	if path == "" {
		return
	}
	_, err := toml.DecodeFile(path, &f.keys)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.err = fmt.Errorf("there is no configuration file %s", path)
	case err != nil:
		f.err = fmt.Errorf("%s: %w", path, err)
	default:
		f.err = strangeKeys(path, flagKeys(c.Model.Node))
	}
}

// tables is what stands in the configuration file beside the flags.
type tables struct {
	Operator merchants.Operator
	Brand    brandSettings
	Mail     *mailSettings
	PSP      *pspSettings
	Older    olderSettings
}

// strangeKeys refuses a file with a key that nothing reads: a misspelt setting must not pass as if it held.
func strangeKeys(path string, flags map[string]bool) error {
	meta, err := toml.DecodeFile(path, &tables{})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var strange []string
	for _, key := range meta.Undecoded() {
		if len(key) > 1 || !flags[key[0]] {
			strange = append(strange, key.String())
		}
	}
	if len(strange) > 0 {
		return fmt.Errorf("%s: nothing reads %s; the sample is docs/achteraf.toml", path, strings.Join(strange, ", "))
	}
	return nil
}

// flagKeys are the keys of all flags of a command and of those below it.
func flagKeys(n *kong.Node) map[string]bool {
	keys := map[string]bool{}
	for _, f := range n.Flags {
		if f.Name != "config" && f.Name != "help" {
			keys[strings.ReplaceAll(f.Name, "-", "_")] = true
		}
	}
	for _, child := range n.Children {
		maps.Copy(keys, flagKeys(child))
	}
	return keys
}

// tune lets the collector of a server run less often: memory is there, and every pause of it is paid by
// the requests that wait for the one writer. One thread more than there are cores lets the writer go on at
// once when its sync returns, instead of waiting behind requests in Go's queue.
func tune() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(2 << 30)
}
