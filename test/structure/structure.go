// Package structure tells how the files of a package hang together, so that tests
// can keep them in order.
package structure

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Calls are the functions and methods of a package that others of it name, by the
// files of both: Calls["a.go"]["b.go"] are those of b.go that a.go names.
type Calls map[string]map[string][]string

// Of returns the calls within the package in a folder, without its tests.
func Of(dir string) (Calls, error) {
	fset := token.NewFileSet()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	// What the package imports isn't read: what it calls of itself is known without.
	config := types.Config{Importer: blank{}, Error: func(error) {}}
	pkg, _ := config.Check(dir, fset, files, info)
	if pkg == nil {
		return nil, fmt.Errorf("%s holds no package", dir)
	}
	calls := Calls{}
	for ident, object := range info.Uses {
		if function, is := object.(*types.Func); is && function.Pkg() == pkg {
			calls.add(fileOf(fset, ident.Pos()), fileOf(fset, function.Pos()), function.Name())
		}
	}
	return calls, nil
}

func fileOf(fset *token.FileSet, pos token.Pos) string {
	return filepath.Base(fset.Position(pos).Filename)
}

func (c Calls) add(from, to, name string) {
	if from == to || slices.Contains(c[from][to], name) {
		return
	}
	if c[from] == nil {
		c[from] = map[string][]string{}
	}
	c[from][to] = append(c[from][to], name)
	slices.Sort(c[from][to])
}

// blank imports packages as if they held nothing.
type blank struct{}

var _ types.Importer = blank{}

func (blank) Import(path string) (*types.Package, error) {
	pkg := types.NewPackage(path, filepath.Base(path))
	pkg.MarkComplete()
	return pkg, nil
}

// Cycles returns the groups of files of which each calls into each other, perhaps
// by way of others.
func (c Calls) Cycles() [][]string {
	reach := map[string]map[string]bool{}
	for from := range c {
		reach[from] = map[string]bool{}
		c.walk(from, reach[from])
	}
	var groups [][]string
	done := map[string]bool{}
	for _, from := range slices.Sorted(maps.Keys(c)) {
		if done[from] || !reach[from][from] {
			continue
		}
		var group []string
		for _, to := range slices.Sorted(maps.Keys(reach[from])) {
			if reach[to][from] {
				group = append(group, to)
				done[to] = true
			}
		}
		groups = append(groups, group)
	}
	return groups
}

func (c Calls) walk(from string, seen map[string]bool) {
	for to := range c[from] {
		if !seen[to] {
			seen[to] = true
			c.walk(to, seen)
		}
	}
}

// Within lists the calls among some of the files, a line each.
func (c Calls) Within(files []string) string {
	var lines strings.Builder
	for _, from := range files {
		for _, to := range slices.Sorted(maps.Keys(c[from])) {
			if slices.Contains(files, to) {
				fmt.Fprintf(&lines, "\n  %s calls %s of %s", from, strings.Join(c[from][to], ", "), to)
			}
		}
	}
	return lines.String()
}
