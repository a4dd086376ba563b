package dbtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Server is a PostgreSQL server of a test's own, which it may stop and kill.
type Server struct {
	URL string // of the database postgres

	bin, data string
	as        *syscall.Credential
}

// NewServer starts a server on programs found on this machine. It is gone when the test ends.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{bin: programs(t)}
	base, err := os.MkdirTemp("", "achteraf-postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	s.data = filepath.Join(base, "data")
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		s.as = unprivileged(t)
		if err := os.Chown(base, int(s.as.Uid), int(s.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	s.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port)
	s.run(t, "initdb", "-D", s.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\n", port)
	conf, err := os.OpenFile(filepath.Join(s.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conf.WriteString(settings); err != nil {
		t.Fatal(err)
	}
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
	s.Start(t)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Place makes a fresh database on the server, with all tables.
func (s *Server) Place(t testing.TB) *Place {
	t.Helper()
	p := &Place{Engine: "postgres", Clock: NewClock(), URL: s.URL}
	if err := migrate(p.URL); err != nil {
		t.Fatal(err)
	}
	return p
}

// Start starts the server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.data, "-w", "-l", filepath.Join(s.data, "log"), "start")
}

// Stop ends the server at once and cuts its connections. What was committed stays; it recovers when started.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.data, "-m", "immediate", "-w", "stop")
}

func (s *Server) run(t testing.TB, name string, args ...string) {
	t.Helper()
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = filepath.Dir(s.data)
	out, err := os.CreateTemp(t.TempDir(), "out") // not a pipe: the server would keep it open
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if err := c.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
}

// programs returns the folder of PostgreSQL's server programs.
func programs(t testing.TB) string {
	t.Helper()
	if at, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(at)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		t.Fatal("dbtest: no PostgreSQL server programs (initdb, pg_ctl) are installed; install the package postgresql, or put them on the PATH")
	}
	return filepath.Dir(found[len(found)-1])
}

func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("dbtest: run the tests as a user other than root, or add the user postgres")
	return nil
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
