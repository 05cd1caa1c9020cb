package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
)

// maxStack bounds the Go stack of the child. The jsonnet machine has a limit of
// its own, its parser has none.
const maxStack = 128 << 20

// EvaluateCommand is the body of the child process: it reads one evaluation from
// in and writes the answers to out. Call it in a process of its own, because it
// lowers the limits of the process and may not come back.
func EvaluateCommand(in io.Reader, out io.Writer) error {
	var req evaluation
	if err := json.NewDecoder(in).Decode(&req); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	debug.SetMaxStack(maxStack)
	if err := limitMemory(req.Limits.Memory); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return fmt.Errorf("open the tree: %w", err)
	}
	defer root.Close()
	return newEvaluator(root, req, out).run(req.Entries)
}

type evaluator struct {
	root   *os.Root
	vm     *jsonnet.VM
	vars   map[string]string
	limits Limits
	// room for values that is left.
	room int
	// paths and bytes of them that may still be told of.
	paths, bytes int
	jail         *jail
	out          *json.Encoder
}

func newEvaluator(root *os.Root, req evaluation, out io.Writer) *evaluator {
	vm := jsonnet.MakeVM()
	jail := newJail(root, req.Path)
	vm.Importer(jail)
	vm.SetTraceOut(io.Discard)
	vm.ExtVar(ImageVar, req.Image)
	vm.ExtVar(GitImageVar, req.GitImage)
	vm.ExtVar(StoreVar, req.Store)
	for name, value := range req.Vars {
		vm.ExtVar(name, value)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return &evaluator{
		root: root, vm: vm, vars: req.Vars, limits: req.Limits, jail: jail, out: encoder,
		room: req.Limits.Values - req.Values, paths: maxLooked, bytes: lookedOutput,
	}
}

func (e *evaluator) run(entries []string) error {
	for _, file := range entries {
		if err := e.out.Encode(answer{File: file, Begin: true}); err != nil {
			return err
		}
		before := e.room
		if err := e.entry(file); err != nil {
			return err
		}
		if err := e.out.Encode(answer{File: file, End: true, Values: before - e.room, Looked: e.looked(file)}); err != nil {
			return err
		}
	}
	return nil
}

// looked returns the paths that an entry depends on, or nil if there is no more to
// be told of such.
func (e *evaluator) looked(file string) []string {
	paths := e.jail.looked.of(file)
	// A byte may stand for six of JSON. The rest of the answer is short.
	bytes := 6*len(file) + lookedAround
	for _, path := range paths {
		bytes += 6*len(path) + len(`"",`)
	}
	if len(paths) > e.paths || bytes > min(e.bytes, lookedOfOne) {
		return nil
	}
	e.paths -= len(paths)
	e.bytes -= bytes
	return paths
}

// entry says what an entry yields: objects and faults.
func (e *evaluator) entry(file string) error {
	var answers []answer
	faults := 0
	add := func(f fault) {
		// One more than is shown lets the parent say that there are more.
		if faults++; faults <= e.limits.Errors+1 {
			answers = append(answers, answer{File: file, Fault: &f})
		}
	}
	g := &grower{room: e.room, limit: e.limits.Values}
	root, err := e.grow(g, file)
	for _, f := range g.faults {
		add(f)
	}
	if err != nil {
		// What it has taken up is free again: this file is to blame, and no other.
		add(*newFault(file, err))
		return e.send(answers)
	}
	e.room = g.room
	s := splitter{fault: add, object: func(place string, n *node) {
		value := n.encode()
		if len(value) > e.limits.Size {
			add(fault{Line: n.line, Object: identity(place, n), Message: oversize(len(value), e.limits.Size)})
			return
		}
		answers = append(answers, answer{File: file, Place: place, Value: value, Lines: n.lines()})
	}}
	s.walk("", root)
	return e.send(answers)
}

func (e *evaluator) send(answers []answer) error {
	for _, a := range answers {
		if err := e.out.Encode(a); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) grow(g *grower, file string) (*node, error) {
	extension := strings.ToLower(path.Ext(file))
	if extension == ".jsonnet" {
		return e.jsonnet(g, file)
	}
	data, err := readFile(e.root, file)
	if err != nil {
		return nil, err
	}
	if data, err = plainText(data); err != nil {
		return nil, err
	}
	if extension == ".json" {
		return g.growJSON(data)
	}
	return g.growYAML(data)
}

// jsonnet evaluates an entry. Nothing tells which lines have made which value.
func (e *evaluator) jsonnet(g *grower, file string) (*node, error) {
	tree, _, err := e.vm.ImportAST("", file)
	if err != nil {
		return nil, err
	}
	e.vm.TLAReset()
	for _, name := range e.arguments(file, tree) {
		e.vm.TLAVar(name, e.vars[name])
	}
	text, err := e.vm.Evaluate(tree)
	if err != nil {
		return nil, err
	}
	root, err := g.growJSON([]byte(text))
	if err != nil {
		return nil, unlined(err)
	}
	root.setLines(nil)
	return root, nil
}

// arguments returns the vars to call the entry with, should it be a function:
// those that its function literal declares. If the literal can't be seen, as when
// a library returns the function, all vars are given. Files that import each
// other in a circle have no literal; evaluating them says so.
func (e *evaluator) arguments(file string, node ast.Node) []string {
	seen := map[string]bool{file: true}
	for {
		switch n := node.(type) {
		case *ast.Local:
			node = n.Body
		case *ast.Parens:
			node = n.Inner
		case *ast.Import:
			imported, foundAt, err := e.vm.ImportAST(file, n.File.Value)
			if err != nil || seen[foundAt] {
				return nil
			}
			seen[foundAt] = true
			file, node = foundAt, imported
		case *ast.Function:
			return e.declared(n)
		default:
			return e.allVars()
		}
	}
}

func (e *evaluator) declared(f *ast.Function) []string {
	var names []string
	for _, parameter := range f.Parameters {
		if _, ok := e.vars[string(parameter.Name)]; ok {
			names = append(names, string(parameter.Name))
		}
	}
	return names
}

func (e *evaluator) allVars() []string {
	names := make([]string, 0, len(e.vars))
	for name := range e.vars {
		names = append(names, name)
	}
	return names
}

// unlined drops the line of a text that isn't the file's.
func unlined(err error) error {
	if lined, ok := errors.AsType[lineError](err); ok {
		return errors.New(lined.message)
	}
	return err
}

// maxFrames of a stack trace are kept, the innermost ones.
const maxFrames = 8

func newFault(file string, err error) *fault {
	var located interface{ Loc() ast.LocationRange }
	var runtimeError jsonnet.RuntimeError
	var lineError lineError
	switch {
	case errors.As(err, &runtimeError):
		return runtimeFault(file, runtimeError)
	case errors.As(err, &located):
		loc := located.Loc()
		f := &fault{Message: err.Error()}
		if loc.FileName == file {
			f.Line = loc.Begin.Line
			f.Message = strings.TrimPrefix(f.Message, loc.String()+" ")
		}
		return f
	case errors.As(err, &lineError):
		return &fault{Line: lineError.line, Message: lineError.message}
	default:
		return &fault{Message: err.Error()}
	}
}

// runtimeFault takes the innermost line of the entry itself as the fault's line;
// the frames say the rest.
func runtimeFault(file string, err jsonnet.RuntimeError) *fault {
	f := &fault{Message: err.Msg}
	frames := 0
	for _, v := range slices.Backward(err.StackTrace) {
		loc := v.Loc
		if loc.FileName == "" || loc.Begin.Line == 0 {
			continue
		}
		if f.Line == 0 && loc.FileName == file {
			f.Line = loc.Begin.Line
		}
		if frames < maxFrames {
			f.Message += "\n  at " + loc.String()
			frames++
		}
	}
	return f
}
