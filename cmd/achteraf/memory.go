package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// pageMemory says how much memory the pages of a large SQLite database may take. PostgreSQL has its own setting.
type pageMemory struct {
	SQLiteMemory int `name:"sqlite-memory" help:"SQLite: MiB of memory for pages of a database over 1 GiB; an eighth of the machine's, 2048 at most, when 0." placeholder:"MIB" env:"ACHTERAF_SQLITE_MEMORY"`
}

const (
	mostPageMemory = 2048
	guessedMemory  = 2048 // MiB of a machine that does not say
)

func (m pageMemory) mib() (int, error) {
	switch {
	case m.SQLiteMemory < 0:
		return 0, errors.New("sqlite_memory: a number of MiB, 0 or more")
	case m.SQLiteMemory > 0:
		return m.SQLiteMemory, nil
	}
	return min(machineMemory(os.ReadFile)/8, mostPageMemory), nil
}

// machineMemory is the memory in MiB of the machine, or of the container that has less. Source: proc_meminfo(5), and
// memory.max and memory.limit_in_bytes of Linux's control groups.
func machineMemory(read func(string) ([]byte, error)) int {
	most := 0
	note := func(bytes int) {
		if mib := bytes >> 20; mib > 0 && (most == 0 || mib < most) {
			most = mib
		}
	}
	text, _ := read("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			kib, _ := strconv.Atoi(f[1])
			note(kib << 10)
		}
	}
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, _ := read(path)
		bytes, _ := strconv.Atoi(strings.TrimSpace(string(text))) // "max" is none
		note(bytes)
	}
	if most == 0 {
		return guessedMemory
	}
	return most
}
