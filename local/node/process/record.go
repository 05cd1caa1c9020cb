// Package process starts programs that outlive their starter, remembers which
// ones they were, and stops those and no others.
package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Record identifies one process for all time. A process id alone doesn't: it is
// given to another process later, or after the machine's next start.
type Record struct {
	PID int `json:"pid"`
	// StartTicks is the process's start in clock ticks since the machine's.
	StartTicks uint64 `json:"startTicks"`
	// Boot is the id that the kernel gave itself when it started.
	Boot string `json:"boot"`
}

// Table reads what the kernel says of its processes; Root is /proc, or a copy.
type Table struct{ Root string }

// Proc is the table of this machine.
func Proc() Table { return Table{Root: "/proc"} }

// Identify returns the record of a process that runs.
func (t Table) Identify(pid int) (Record, error) {
	boot, err := os.ReadFile(filepath.Join(t.Root, "sys/kernel/random/boot_id"))
	if err != nil {
		return Record{}, fmt.Errorf("read the machine's boot id: %w", err)
	}
	stat, err := t.stat(pid)
	if err != nil {
		return Record{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	return Record{PID: pid, StartTicks: stat.start, Boot: strings.TrimSpace(string(boot))}, nil
}

// Runs says whether the recorded process still does. One that has ended and
// waits for its parent to notice doesn't.
func (t Table) Runs(r Record) bool {
	now, err := t.Identify(r.PID)
	if err != nil || now != r {
		return false
	}
	stat, err := t.stat(r.PID)
	return err == nil && stat.state != 'Z' && stat.state != 'X'
}

type stat struct {
	state byte
	start uint64
}

func (t Table) stat(pid int) (stat, error) {
	text, err := os.ReadFile(filepath.Join(t.Root, strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// parseStat reads the state and start time of a process. The program's name, in
// parentheses, may hold anything, parentheses and spaces included.
func parseStat(text string) (stat, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, errors.New("no program name in stat")
	}
	fields := strings.Fields(text[end+1:])
	const state, start = 0, 19 // the 3rd and 22nd field of the line
	if len(fields) <= start || len(fields[state]) != 1 {
		return stat{}, errors.New("too few fields in stat")
	}
	ticks, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("start time in stat: %w", err)
	}
	return stat{state: fields[state][0], start: ticks}, nil
}

// Matching returns the processes whose command line pick chooses.
func (t Table) Matching(pick func(argv []string) bool) ([]Record, error) {
	entries, err := os.ReadDir(t.Root)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []Record
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(t.Root, e.Name(), "cmdline"))
		if err != nil || !pick(strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")) {
			continue
		}
		if r, err := t.Identify(pid); err == nil {
			found = append(found, r)
		}
	}
	return found, nil
}

// Read returns the record of a pid file; ok is false if there is none, or none
// that can be read, as after a crash in the middle of writing it.
func Read(path string) (r Record, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("read pid file: %w", err)
	}
	whole := json.Unmarshal(text, &r) == nil && r.PID > 1
	return r, whole, nil
}

func (r Record) write(path string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode pid file: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
