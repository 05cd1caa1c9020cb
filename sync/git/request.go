package git

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Request says which repository to read, as whom, and where to keep it.
type Request struct {
	// URL of the repository: https, http, ssh or git.
	URL string

	// Ref to follow; nil is the branch that the server's HEAD names.
	Ref *v1alpha1.GitRef

	// Auth is the data of a Secret with Flux's keys, or nil: username and password,
	// or bearerToken; identity, password and known_hosts; ca.crt or caFile.
	Auth map[string][]byte

	// Store is a folder that keeps the objects of the newest commit: a checkout that
	// finds its commit there needs no network. It is created when missing and made
	// anew when damaged. Checkouts that share a store
	// wait for each other.
	Store string

	// Proxy chooses the HTTP proxy to go by; nil is none. Everything but http goes
	// by its CONNECT.
	Proxy Proxy

	// Dial connects to servers; nil is the network itself.
	Dial Dial

	// Path is the folder that has to be whole. Of what lies outside, a checkout
	// leaves out what would exceed the limits. Blank: everything.
	Path string

	// Ignore are globs, checked by validation.Glob, of files and folders that a
	// checkout leaves out.
	Ignore []string

	// Limits of a fetch. A field that is zero takes its default.
	Limits Limits
}

// Limits bound what a fetch may bring in. Time is bounded by the context. All but
// PackBytes are about what is below the request's path, and again about the rest.
type Limits struct {
	// PackBytes received for one commit. Default 64 MiB.
	PackBytes int64
	// Files in the commit's tree, folders and symlinks included. Default 10000. The
	// pack may hold 20 times as many objects.
	Files int
	// FileBytes of one file. Default 32 MiB. A server that can't leave out larger
	// ones may not have any.
	FileBytes int64
	// TreeBytes of all files together. Default 128 MiB. The pack may hold 8 times as
	// much.
	TreeBytes int64
	// Depth of folders. Default 32.
	Depth int
}

func (l Limits) withDefaults() Limits {
	const mib = 1 << 20
	defaultTo(&l.PackBytes, 64*mib)
	defaultTo(&l.Files, 10000)
	defaultTo(&l.FileBytes, 32*mib)
	defaultTo(&l.TreeBytes, 128*mib)
	defaultTo(&l.Depth, 32)
	return l
}

// ignores reports whether a glob fits a name. What lies in a folder that is
// ignored is never asked for.
func (r Request) ignores(name string) bool {
	for _, pattern := range r.Ignore {
		if doublestar.MatchUnvalidated(strings.TrimSuffix(pattern, "/"), name) {
			return true
		}
	}
	return false
}

// below reports whether a name is a folder, or lies in it. Everything is below
// the blank folder.
func below(name, folder string) bool {
	folder = strings.Trim(path.Clean("/"+folder), "/")
	return folder == "" || name == folder || strings.HasPrefix(name, folder+"/")
}

func defaultTo[T int | int64](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Revision is a commit and the name it was found under.
type Revision struct {
	// Ref is the branch or tag; blank when the request named a commit.
	Ref string
	// Commit is a SHA-1 in hexadecimal.
	Commit string
}

// String returns ref@sha1:commit, or sha1:commit without a ref.
func (r Revision) String() string {
	if r.Ref == "" {
		return "sha1:" + r.Commit
	}
	return r.Ref + "@sha1:" + r.Commit
}
