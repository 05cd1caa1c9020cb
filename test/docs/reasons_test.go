package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// kubernetesOwn is the section of what KayCI passes on, and has no constants of.
const kubernetesOwn = "Kubernetes' own reasons"

// TestReasons: each reason that KayCI's objects and events carry has a row in its
// tables, and each row is about one that they do.
func TestReasons(t *testing.T) {
	page, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := reasonTables(t, string(page))
	foreign := tables[kubernetesOwn]
	delete(tables, kubernetesOwn)
	rows := map[string]bool{}
	for _, table := range tables {
		maps.Copy(rows, table)
	}
	carried := carriedReasons(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(carried)), slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Errorf("reasons (-of the code +of docs/reasons.md):\n%s", diff)
	}
	if len(foreign) == 0 {
		t.Errorf("no reasons below %q", kubernetesOwn)
	}
	for reason := range foreign {
		if carried[reason] {
			t.Errorf("%s is KayCI's own and stands below %q", reason, kubernetesOwn)
		}
	}
}

var reasonRow = regexp.MustCompile("^\\| ((?:`[A-Za-z]+`(?:, )?)+) \\| (.+) \\| (.+) \\|$")

// reasonTables returns the reasons of the tables by section.
func reasonTables(t *testing.T, page string) map[string]map[string]bool {
	t.Helper()
	tables, section := map[string]map[string]bool{}, ""
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = heading
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Reason |") {
			continue
		}
		row := reasonRow.FindStringSubmatch(line)
		if row == nil {
			t.Errorf("no row of reasons, meaning and remedy: %s", line)
			continue
		}
		if tables[section] == nil {
			tables[section] = map[string]bool{}
		}
		for reason := range strings.SplitSeq(row[1], ", ") {
			tables[section][strings.Trim(reason, "`")] = true
		}
	}
	return tables
}

// carriedReasons returns what stands in the code as a reason.
func carriedReasons(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{
		// Of the event that tells of a Run's end.
		string(v1alpha1.RunSucceeded): true, string(v1alpha1.RunFailed): true, string(v1alpha1.RunCancelled): true,
	}
	for _, file := range []string{"api/v1alpha1/reasons.go", "controllers/configrepo/failure.go", "sync/git/errors.go"} {
		before := len(found)
		constants(parse(t, file), func(name, _, value string) {
			if strings.HasPrefix(name, "Reason") {
				found[value] = true
			}
		})
		if len(found) == before {
			t.Errorf("%s has no reasons", file)
		}
	}
	constants(parse(t, "api/v1alpha1/decision_types.go"), func(_, kind, value string) {
		if kind == "DecisionOutcome" {
			found[value] = true
		}
	})
	err := fs.WalkDir(os.DirFS("../.."), "controllers", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
			written(t, parse(t, name), found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// constants calls found with the name, the type if it is written, and the value of
// each constant that is a text.
func constants(file *ast.File, found func(name, kind, value string)) {
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			of, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			kind := ""
			if named, ok := of.Type.(*ast.Ident); ok {
				kind = named.Name
			}
			for i, value := range of.Values {
				if text, ok := textOf(value); ok {
					found(of.Names[i].Name, kind, text)
				}
			}
		}
	}
}

func textOf(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

// written adds the reasons of Flux's that a file names, and those of events that
// stand in it as a text.
func written(t *testing.T, file *ast.File, found map[string]bool) {
	t.Helper()
	flux := map[string]string{
		"ProgressingReason": meta.ProgressingReason, "ProgressingWithRetryReason": meta.ProgressingWithRetryReason, "PruneFailedReason": meta.PruneFailedReason,
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			of, ok := n.X.(*ast.Ident)
			if !ok || of.Name != "meta" || !strings.HasSuffix(n.Sel.Name, "Reason") {
				break
			}
			if flux[n.Sel.Name] == "" {
				t.Errorf("meta.%s isn't known to this test", n.Sel.Name)
			}
			found[flux[n.Sel.Name]] = true
		case *ast.CallExpr:
			if call, ok := n.Fun.(*ast.SelectorExpr); ok && call.Sel.Name == "Eventf" && len(n.Args) > 3 {
				if text, ok := textOf(n.Args[3]); ok {
					found[text] = true
				}
			}
		}
		return true
	})
}
