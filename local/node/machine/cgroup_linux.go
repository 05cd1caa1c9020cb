package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hierarchies returns the folders that control groups are made in: the one of
// version 2, or one for each controller of version 1.
func hierarchies() ([]string, error) {
	const root = "/sys/fs/cgroup"
	if unified() {
		return []string{root}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("list control groups: %w", err)
	}
	var found []string
	for _, e := range entries {
		if dir := filepath.Join(root, e.Name()); e.IsDir() && isCgroup(dir) {
			found = append(found, dir)
		}
	}
	return found, nil
}

func unified() bool {
	var fs unix.Statfs_t
	return unix.Statfs("/sys/fs/cgroup", &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

func isCgroup(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.procs"))
	return err == nil
}

// AddCgroup makes a control group, such as /pods, in every hierarchy.
func AddCgroup(name string) error {
	dirs, err := hierarchies()
	if err != nil {
		return err
	}
	if unified() {
		if err := delegate(dirs[0]); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		group := filepath.Join(dir, name)
		if err := os.MkdirAll(group, 0o755); err != nil {
			return fmt.Errorf("make control group: %w", err)
		}
		// A new group of version 1 may use no processor until it is told which.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			all, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || unified() {
				continue
			}
			if err := os.WriteFile(filepath.Join(group, file), all, 0o644); err != nil {
				return fmt.Errorf("set up control group: %w", err)
			}
		}
	}
	return nil
}

// delegate hands every controller on to the groups below dir.
func delegate(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("read controllers: %w", err)
	}
	for controller := range strings.FieldsSeq(string(text)) {
		// One that can't be handed on is missed by the kubelet, by name.
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0o644)
	}
	return nil
}

// CgroupProcesses returns the processes in a control group and those below it.
func CgroupProcesses(name string) ([]int, error) {
	groups, err := below(name)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, group := range groups {
		text, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			continue // just removed
		}
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// RemoveCgroup removes an empty control group and those below it.
func RemoveCgroup(name string) error {
	groups, err := below(name)
	if err != nil {
		return err
	}
	slices.Reverse(groups) // children first
	for _, group := range groups {
		if err := unix.Rmdir(group); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove control group %s: %w", group, err)
		}
	}
	return nil
}

// below returns the folders of a control group, parents before children.
func below(name string) ([]string, error) {
	if strings.Trim(name, "/") == "" {
		return nil, errors.New("the root control group isn't a cluster's")
	}
	dirs, err := hierarchies()
	if err != nil {
		return nil, err
	}
	var groups []string
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, path)
			}
			return nil // what vanishes meanwhile is no loss
		})
		if err != nil {
			return nil, err
		}
	}
	return groups, nil
}
