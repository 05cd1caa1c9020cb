package render

import (
	"bytes"
	"fmt"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
	"github.com/google/go-jsonnet/toolutils"
)

// imports are the paths that a file imports: as bytes, and as code or text.
type imports struct {
	bytes, text map[string]bool
}

// reader returns how an import is to be read. An Importer isn't told whether it
// is asked for code, a string or bytes; what the importing file says is.
func (j *jail) reader(importedFrom, importedPath string) func(name string) (jsonnet.Contents, string, error) {
	from := j.importsOf(importedFrom)
	switch {
	case !from.bytes[importedPath]:
		return j.text
	case !from.text[importedPath]:
		return j.verbatim
	default:
		return j.either
	}
}

// either reads a file that one and the same file takes both as bytes and as
// text, which can't be told apart.
func (j *jail) either(name string) (contents jsonnet.Contents, foundAt string, err error) {
	verbatim, _, err := j.verbatim(name)
	if err != nil {
		return contents, "", err
	}
	contents, foundAt, err = j.text(name)
	if err == nil && !bytes.Equal(contents.Data(), verbatim.Data()) {
		err = fmt.Errorf("%s is taken both as bytes and as text, which differ by its line ends or encoding: take it from two files", name)
	}
	return contents, foundAt, err
}

// importsOf finds out what a file imports if it uses importbin at all.
func (j *jail) importsOf(file string) imports {
	if found, ok := j.binary[file]; ok {
		return found
	}
	found := imports{bytes: map[string]bool{}, text: map[string]bool{}}
	source, ok := j.texts[file]
	if !ok || !bytes.Contains(source.Data(), []byte("importbin")) {
		return found
	}
	j.binary[file] = found
	node, err := jsonnet.SnippetToAST(file, source.String())
	if err != nil {
		return found // a file that imports something was parsed before
	}
	for nodes := []ast.Node{node}; len(nodes) > 0; {
		last := nodes[len(nodes)-1]
		nodes = append(nodes[:len(nodes)-1], toolutils.Children(last)...)
		switch n := last.(type) {
		case *ast.Import:
			found.text[n.File.Value] = true
		case *ast.ImportStr:
			found.text[n.File.Value] = true
		case *ast.ImportBin:
			found.bytes[n.File.Value] = true
		}
	}
	return found
}
