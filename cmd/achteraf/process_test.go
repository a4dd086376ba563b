package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: started under the name achteraf, it runs main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"achteraf": main})
}

// patience is how long anything that should happen at once may take on a busy machine.
const patience = 60 * time.Second

// process is a running achteraf.
type process struct {
	cmd   *exec.Cmd
	said  tail // what it wrote to its standard error
	ended chan struct{}
	err   error // how it ended; read it after ended
}

// launch starts the program. first gets each line that it writes to its standard output (out) or standard
// error until it answers true, which says that the program is ready.
func launch(env []string, dir string, first func(line []byte, out bool) bool, args ...string) (*process, error) {
	p := &process{cmd: exec.Command("achteraf", args...), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, dir
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errs, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	var mu sync.Mutex
	isReady := false
	look := func(line []byte, out bool) {
		mu.Lock()
		defer mu.Unlock()
		if !isReady && first(line, out) {
			isReady = true
			close(ready)
		}
	}
	var read sync.WaitGroup
	read.Go(func() { eachLine(out, func(line []byte) { look(line, true) }) })
	read.Go(func() { eachLine(errs, func(line []byte) { p.said.add(line); look(line, false) }) })
	go func() {
		read.Wait()
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case <-ready:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("achteraf %s ended before it was ready: %w\n%s", strings.Join(args, " "), p.err, p.said.text())
	case <-time.After(patience):
		p.kill()
		return nil, fmt.Errorf("achteraf %s was not ready after %v\n%s", strings.Join(args, " "), patience, p.said.text())
	}
}

func eachLine(r io.Reader, f func([]byte)) {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			f(line)
		}
		if err != nil {
			return
		}
	}
}

// tail keeps the end of what a process said.
type tail struct {
	mu   sync.Mutex
	last [][]byte
}

func (t *tail) add(line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last = append(t.last, line); len(t.last) > 200 {
		t.last = t.last[100:]
	}
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Join(t.last, nil))
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the process to end, as Ctrl-C does, and says how it ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines stand in what it says
		<-p.ended
	}
	if p.err != nil {
		return fmt.Errorf("%w\n%s", p.err, p.said.text())
	}
	return nil
}

// startDemo starts achteraf demo --json without a past, and returns what it printed.
func startDemo(env []string, dir string, args ...string) (*process, demoLine, error) {
	var line demoLine
	p, err := launch(env, dir, func(text []byte, out bool) bool { return out && json.Unmarshal(text, &line) == nil },
		append([]string{"demo", "--json", "--empty", "--listen", "127.0.0.1:0"}, args...)...)
	return p, line, err
}

// startServe starts achteraf serve and returns its address.
func startServe(env []string, dir string, args ...string) (p *process, address string, err error) {
	p, err = launch(env, dir, func(text []byte, _ bool) bool {
		var line struct{ Msg, Address string }
		if json.Unmarshal(text, &line) != nil || line.Msg != "serving" {
			return false
		}
		address = "http://" + line.Address
		return true
	}, append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, args...)...)
	return p, address, err
}

// runCommand runs a command of the program to its end.
func runCommand(env []string, dir string, args ...string) (out string, err error) {
	c := exec.Command("achteraf", args...)
	c.Env, c.Dir = env, dir
	text, err := c.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("achteraf %s: %w\n%s", strings.Join(args, " "), err, e.Stderr)
	}
	return string(text), err
}

// emptyDatabase makes a new database without tables and returns its address. It is gone when the test ends.
func emptyDatabase(t testing.TB, engine, dir string) string {
	t.Helper()
	if engine == "sqlite" {
		return "sqlite:" + filepath.Join(dir, "achteraf.db")
	}
	server := os.Getenv("ACHTERAF_TEST_POSTGRES")
	if server == "" {
		t.Fatal("ACHTERAF_TEST_POSTGRES is not set; the script ./test starts a PostgreSQL and sets it")
	}
	name := fmt.Sprintf("achteraf_run_%d_%d", os.Getpid(), time.Now().UnixNano())
	onServer(t, server, "create database "+name)
	t.Cleanup(func() { onServer(t, server, "drop database "+name+" with (force)") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("ACHTERAF_TEST_POSTGRES is no address")
	}
	u.Path = "/" + name
	return u.String()
}

func onServer(t testing.TB, server, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// shopClient speaks to the API as a shop's program does.
type shopClient struct {
	url, key string
	http     *http.Client
}

// answer is what the API said.
type answer struct {
	status   int
	text     []byte
	replayed bool
}

// ask sends one request; key is the idempotency key of a write. An error says that no answer came.
func (c *shopClient) ask(ctx context.Context, method, path, key string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	got, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, text, got.Header.Get("Idempotent-Replayed") != ""}, err
}
