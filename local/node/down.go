package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kayci/kayci/local/node/machine"
	"github.com/kayci/kayci/local/node/process"
)

// Down stops the cluster and removes everything that it left on the machine,
// however it ended: by a crash in the middle of its start, for one. What can't
// be removed doesn't keep the rest from being.
func (n *Node) Down(ctx context.Context) error {
	if err := n.stop(ctx); err != nil {
		return err // with its files gone, what runs on couldn't be found again
	}
	if err := os.RemoveAll(n.values.State); err != nil {
		return fmt.Errorf("remove the state folder: %w", err)
	}
	return n.unclaim()
}

// stop ends all processes and undoes all changes of the machine. The state is
// lost anyway, so nothing is asked to end in good order.
func (n *Node) stop(ctx context.Context) error {
	sockets := n.shimSockets()
	// First those that start others: containerd starts shims, and those containers.
	for _, find := range []func() ([]process.Record, error){n.components, n.shims, n.contained} {
		if err := n.kill(ctx, find); err != nil {
			return err
		}
	}
	v := n.values
	return errors.Join(
		machine.Unmount(v.State),
		machine.DeleteBridge(v.Bridge),
		machine.DeleteTables(ctx, [2]string{"ip", v.NFTable}, [2]string{"ip", "kube-proxy"}, [2]string{"ip6", "kube-proxy"}),
		machine.RemoveCgroup(v.CgroupRoot),
		n.removeStrays(ctx, sockets),
	)
}

// kill kills until nothing is found any more, as what is killed may just have
// started another.
func (n *Node) kill(ctx context.Context, find func() ([]process.Record, error)) error {
	for range 20 {
		found, err := find()
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return nil
		}
		var failed error
		for _, r := range found {
			failed = errors.Join(failed, process.Stop(ctx, n.table, r, 0))
		}
		if failed != nil {
			return failed
		}
	}
	return errors.New("processes of the cluster come back however often they are killed")
}

// components finds the components by their pid files and, should those be gone,
// by the cluster's folder in their command lines.
func (n *Node) components() ([]process.Record, error) {
	programs := map[string]bool{}
	var found []process.Record
	for _, c := range components(n.values) {
		programs[c.Program] = true
		record, ok, err := process.Read(n.pidFile(c.Name))
		if err != nil {
			return nil, err
		}
		if ok && n.table.Runs(record) {
			found = append(found, record)
		}
	}
	others, err := n.table.Matching(func(argv []string) bool {
		return programs[filepath.Base(argv[0])] && mentions(argv[1:], n.values.State+"/")
	})
	return n.running(append(found, others...)), err
}

func (n *Node) shims() ([]process.Record, error) {
	found, err := n.table.Matching(func(argv []string) bool {
		return strings.HasPrefix(filepath.Base(argv[0]), "containerd-shim") && slices.Contains(argv, n.values.ContainerdSocket)
	})
	return n.running(found), err
}

// contained finds the processes in pods.
func (n *Node) contained() ([]process.Record, error) {
	pids, err := machine.CgroupProcesses(n.values.CgroupRoot)
	var found []process.Record
	for _, pid := range pids {
		if r, err := n.table.Identify(pid); err == nil {
			found = append(found, r)
		}
	}
	return n.running(found), err
}

func (n *Node) running(records []process.Record) []process.Record {
	return slices.DeleteFunc(records, func(r process.Record) bool { return !n.table.Runs(r) })
}

func mentions(argv []string, text string) bool {
	return slices.ContainsFunc(argv, func(arg string) bool { return strings.Contains(arg, text) })
}
