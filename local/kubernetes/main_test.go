package main

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, tc := range []struct {
		argv []string
		name string
		args []string
		ok   bool
	}{
		{argv: []string{"/opt/bin/kubelet", "--version"}, name: "kubelet", args: []string{"--version"}, ok: true},
		{argv: []string{"./kubernetes", "etcd", "--data-dir", "x"}, name: "etcd", args: []string{"--data-dir", "x"}, ok: true},
		{argv: []string{"kubectl", "etcd"}, name: "kubectl", args: []string{"etcd"}, ok: true},
		{argv: []string{"kubernetes", "--help", "etcd"}},
		{argv: []string{"kubernetes"}},
		{argv: nil},
	} {
		name, args, ok := choose(tc.argv)
		if ok != tc.ok || (ok && (name != tc.name || !slices.Equal(args, tc.args))) {
			t.Errorf("choose(%q) = %q, %q, %v; want %q, %q, %v", tc.argv, name, args, ok, tc.name, tc.args, tc.ok)
		}
	}
}
