package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// The most submodules of a commit, and how deep they may stand in each other.
const (
	maxSubmodules     = 100
	MaxSubmoduleDepth = 10
)

// modulesFile says what a repository's submodules are.
const modulesFile = ".gitmodules"

// HasModules succeeds where a commit may have submodules.
func HasModules(commit string) Command {
	return Command{"cat-file", "-e", commit + ":" + modulesFile}
}

// Modules prints where a commit's submodules are and come from.
func Modules(commit string) Command {
	return Command{"config", "--blob=" + commit + ":" + modulesFile, "--null", "--get-regexp", `^submodule\..*\.(path|url)$`}
}

// Module is where a submodule is and comes from, as the repository says it.
type Module struct{ Path, URL string }

// ReadModules reads what Modules has printed. A path is one that leads to no folder but
// of the checkout, and to none of git's own.
func ReadModules(printed string) ([]Module, error) {
	found := map[string]*Module{}
	var order []string
	for setting := range strings.SplitSeq(strings.TrimSuffix(printed, "\x00"), "\x00") {
		key, value, _ := strings.Cut(setting, "\n")
		dot := strings.LastIndexByte(key, '.')
		if dot < 0 {
			continue
		}
		name := key[:dot]
		if found[name] == nil {
			found[name] = &Module{}
			order = append(order, name)
		}
		if key[dot+1:] == "path" {
			found[name].Path = value
		} else {
			found[name].URL = value
		}
	}
	if len(order) > maxSubmodules {
		return nil, fmt.Errorf("the commit has %d submodules, and %d are fetched at most", len(order), maxSubmodules)
	}
	modules := make([]Module, 0, len(order))
	for _, name := range order {
		if err := checkModulePath(found[name].Path); err != nil {
			return nil, err
		}
		modules = append(modules, *found[name])
	}
	return modules, nil
}

func checkModulePath(p string) error {
	parts := strings.Split(p, "/")
	gits := slices.ContainsFunc(parts, func(part string) bool { return strings.EqualFold(part, ".git") })
	if p == "" || path.Clean(p) != p || path.IsAbs(p) || parts[0] == ".." || p == "." || gits || strings.HasPrefix(p, "-") || strings.ContainsFunc(p, invisibleBesideSpace) {
		return fmt.Errorf("the commit has a submodule in %.100q, which is no folder of its own", p)
	}
	return nil
}

func invisibleBesideSpace(r rune) bool { return r != ' ' && invisible(r) }

// Links prints the commits that a commit names for its submodules.
func Links(commit string, modules []Module) Command {
	c := Command{"--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--"}
	for _, module := range modules {
		c = append(c, module.Path)
	}
	return c
}

// ReadLinks reads what Links has printed: the commit of each path.
func ReadLinks(printed string) map[string]string {
	links := map[string]string{}
	for entry := range strings.SplitSeq(printed, "\x00") {
		about, name, _ := strings.Cut(entry, "\t")
		if fields := strings.Fields(about); len(fields) == 3 && fields[0] == "160000" && hash.MatchString(fields[2]) {
			links[name] = fields[2]
		}
	}
	return links
}

// Submodule is the source of a submodule. What is at the parent's host is fetched as the
// parent is; nobody else gets the parent's credentials.
func (s Source) Submodule(module Module, commit string) (Source, error) {
	remote, err := s.Remote.Relative(module.URL)
	if err != nil {
		return Source{}, fmt.Errorf("the submodule %s: %w", module.Path, err)
	}
	if remote.Scheme() == schemeHTTP && s.Remote.Scheme() != schemeHTTP {
		return Source{}, errors.New("the submodule " + module.Path + " is fetched over http://, and the repository isn't")
	}
	sub := Source{Remote: remote, Commit: commit, Depth: s.Depth, Submodules: true, LFS: s.LFS}
	if s.Host != "" && remote.Scheme() == s.Remote.Scheme() && remote.SameHost(s.Host) {
		sub.Host = s.Host
	}
	return sub, nil
}
