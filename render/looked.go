package render

import (
	"maps"
	"slices"
)

// looked is what each file's imports have looked for, by the file and what they say.
// The jsonnet machine remembers the values of files: an entry may depend on imports
// that were followed when another one was evaluated. So what it depends on is found
// by way of the files, from the entry on.
type looked map[string]map[string]imported

// imported is how an import was followed.
type imported struct {
	// paths are those that were tried; at the last there was a file, unless it was
	// the built-in library.
	paths   []string
	foundAt string
}

func (l looked) add(from, path string, paths []string, foundAt string) {
	if l[from] == nil {
		l[from] = map[string]imported{}
	}
	if _, there := l[from][path]; !there {
		l[from][path] = imported{paths, foundAt}
	}
}

// of returns the paths that an entry depends on, sorted: its own, and those that
// its imports have tried, or those of files that it imports.
func (l looked) of(entry string) []string {
	paths := map[string]bool{entry: true}
	seen := map[string]bool{entry: true}
	for files := []string{entry}; len(files) > 0; files = files[1:] {
		for _, i := range l[files[0]] {
			for _, path := range i.paths {
				paths[path] = true
			}
			if !seen[i.foundAt] {
				seen[i.foundAt] = true
				files = append(files, i.foundAt)
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}
