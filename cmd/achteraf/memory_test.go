package main

import (
	"os"
	"testing"
)

func TestPageMemory(t *testing.T) {
	const limit, limit1 = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
	machine := "MemTotal:       16384000 kB\nMemFree:         1000000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int
	}{
		"of a machine":               {map[string]string{"/proc/meminfo": machine}, 16000},
		"of a container":             {map[string]string{"/proc/meminfo": machine, limit: "1073741824\n"}, 1024},
		"of a container without one": {map[string]string{"/proc/meminfo": machine, limit: "max\n"}, 16000},
		"of an older one":            {map[string]string{"/proc/meminfo": machine, limit1: "536870912"}, 512},
		"of an older one without":    {map[string]string{"/proc/meminfo": machine, limit1: "9223372036854771712"}, 16000},
		"of a service":               {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "0::/system.slice/achteraf.service\n", "/sys/fs/cgroup/system.slice/memory.max": "3221225472", "/sys/fs/cgroup/system.slice/achteraf.service/memory.max": "max"}, 3072},
		"of an older service":        {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "9:cpu:/x\n4:memory:/a/b\n0::/\n", "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "1073741824"}, 1024},
		"of no text":                 {map[string]string{"/proc/meminfo": "MemTotal: much kB", limit: "-1"}, guessedMemory},
		"of a system without":        {nil, guessedMemory},
	} {
		read := func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if n := machineMemory(read); n != c.want {
			t.Errorf("memory %s: %d MiB, want %d", name, n, c.want)
		}
	}
	if n, err := (pageMemory{}).mib(); err != nil || n < 1 || n > mostPageMemory {
		t.Errorf("by itself %d, %v", n, err)
	}
	if n, err := (pageMemory{300}).mib(); err != nil || n != 300 {
		t.Errorf("300 gave %d, %v", n, err)
	}
	for _, wrong := range []int{-1, 1<<20 + 1} {
		if _, err := (pageMemory{wrong}).mib(); err == nil {
			t.Errorf("%d passed", wrong)
		}
	}
}
