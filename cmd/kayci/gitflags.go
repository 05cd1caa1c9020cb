package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kayci/kayci/sync/git"
)

// gitLimitFlags are the limits of a commit that are given with a unit.
type gitLimitFlags struct {
	pack, file, tree resource.QuantityValue
}

func (g *gitLimitFlags) bind(cmd *cobra.Command, limits *git.Limits) {
	f := cmd.Flags()
	g.pack.Quantity, g.file.Quantity, g.tree.Quantity = resource.MustParse("64Mi"), resource.MustParse("32Mi"), resource.MustParse("128Mi")
	f.Var(&g.pack, "git-max-pack", "most that is received for a commit, in bytes")
	f.Var(&g.file, "git-max-file", "largest file of a commit, in bytes")
	f.Var(&g.tree, "git-max-tree", "all files of a commit together, in bytes")
	f.IntVar(&limits.Files, "git-max-files", 10000, "files and folders of a commit")
	f.IntVar(&limits.Depth, "git-max-depth", 32, "folders in each other in a commit")
}

func (g *gitLimitFlags) set(limits *git.Limits) {
	limits.PackBytes, limits.FileBytes, limits.TreeBytes = g.pack.Value(), g.file.Value(), g.tree.Value()
}

// environmentProxy follows HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
func environmentProxy(to *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: to})
}
