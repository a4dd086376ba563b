package main

import (
	"errors"
	"os"
	"path"
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
	case m.SQLiteMemory < 0 || m.SQLiteMemory > 1<<20:
		return 0, errors.New("sqlite_memory: a number of MiB, from 0 to 1048576")
	case m.SQLiteMemory > 0:
		return m.SQLiteMemory, nil
	}
	return min(machineMemory(os.ReadFile)/8, mostPageMemory), nil
}

// machineMemory is the memory in MiB of the machine, or of the container or service that has less. Source:
// proc_meminfo(5), cgroups(7), and memory.max and memory.limit_in_bytes of Linux's control groups.
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
	groups, _ := read("/proc/self/cgroup")
	for _, file := range limitFiles(string(groups)) {
		text, _ := read(file)
		bytes, _ := strconv.Atoi(strings.TrimSpace(string(text))) // "max" is none
		note(bytes)
	}
	if most == 0 {
		return guessedMemory
	}
	return most
}

// limitFiles names where limits may stand: of the process's own control groups, and of all above them.
func limitFiles(groups string) (files []string) {
	const root, root1 = "/sys/fs/cgroup", "/sys/fs/cgroup/memory"
	for line := range strings.Lines(groups + "0::/\n1:memory:/\n") {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) < 3 || f[1] != "" && f[1] != "memory" {
			continue
		}
		for at := path.Clean("/" + f[2]); ; at = path.Dir(at) {
			if f[1] == "" {
				files = append(files, path.Join(root, at, "memory.max"))
			} else {
				files = append(files, path.Join(root1, at, "memory.limit_in_bytes"))
			}
			if at == "/" {
				break
			}
		}
	}
	return files
}
