// Package machine changes the machine that a cluster runs on, and undoes it:
// network, control groups and mounts. Every change is one that may have been
// made before, and every removal one of what may be gone.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/vishvananda/netlink"

	"github.com/kayci/kayci/local/debian"
)

// AddBridge makes a bridge with an address, such as 10.0.0.1/16.
func AddBridge(name, address string) error {
	addr, err := netlink.ParseAddr(address)
	if err != nil {
		return fmt.Errorf("parse address of bridge: %w", err)
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
	if err := netlink.LinkAdd(bridge); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("add bridge %s: %w", name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find bridge %s: %w", name, err)
	}
	if err := netlink.AddrReplace(link, addr); err != nil {
		return fmt.Errorf("give %s to bridge %s: %w", address, name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("start bridge %s: %w", name, err)
	}
	return nil
}

// DeleteBridge deletes a bridge and every interface that is plugged into it.
func DeleteBridge(name string) error {
	bridge, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find bridge %s: %w", name, err)
	}
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	var failed error
	for _, l := range links {
		if l.Attrs().MasterIndex == bridge.Attrs().Index {
			failed = errors.Join(failed, deleteLink(l))
		}
	}
	return errors.Join(failed, deleteLink(bridge))
}

// deleteLink takes it well if the link has gone by itself, as one half of a pair
// does with the other.
func deleteLink(l netlink.Link) error {
	err := netlink.LinkDel(l)
	if err == nil {
		return nil
	}
	if _, gone := netlink.LinkByIndex(l.Attrs().Index); errors.As(gone, &netlink.LinkNotFoundError{}) {
		return nil
	}
	return fmt.Errorf("delete interface %s: %w", l.Attrs().Name, err)
}

// OverlappingInterface names an interface, other than the one named except, with
// an address in the network, or returns "".
func OverlappingInterface(cidr, except string) (string, error) {
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return "", fmt.Errorf("parse network: %w", err)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("list interfaces: %w", err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil || i.Name == except {
			continue
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && (network.Contains(n.IP) || n.Contains(network.IP)) {
				return i.Name, nil
			}
		}
	}
	return "", nil
}

// Route lets packets pass between pods, and between pods and other networks.
func Route(ctx context.Context) error {
	// Built in, loaded already, or not to be had: what follows says which.
	_ = exec.CommandContext(ctx, "modprobe", "br_netfilter").Run()
	const bridged = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	if !debian.There(bridged) {
		return errors.New("the kernel has no module br_netfilter, without which pods on one bridge can't reach Services")
	}
	for _, path := range []string{"/proc/sys/net/ipv4/ip_forward", bridged} {
		if err := os.WriteFile(path, []byte("1"), 0o644); err != nil {
			return fmt.Errorf("switch on routing: %w", err)
		}
	}
	return nil
}

// LoadTables gives nft a file to run.
func LoadTables(ctx context.Context, file string) error {
	return nft(ctx, "-f", file)
}

// DeleteTables deletes nftables tables, each a family and a name.
func DeleteTables(ctx context.Context, tables ...[2]string) error {
	if !debian.There("nft") {
		return nil // no program, no tables
	}
	var failed error
	for _, t := range tables {
		if nft(ctx, "list", "table", t[0], t[1]) == nil {
			failed = errors.Join(failed, nft(ctx, "delete", "table", t[0], t[1]))
		}
	}
	return failed
}

func nft(ctx context.Context, args ...string) error {
	path, err := debian.Find("nft")
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("nft %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}
