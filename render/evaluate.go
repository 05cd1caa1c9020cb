package render

import (
	"bytes"
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

// evaluation is what the parent asks the child to do, as JSON on its stdin.
type evaluation struct {
	Dir     string            `json:"dir"`
	Path    string            `json:"path"`
	Entries []string          `json:"entries"`
	Vars    map[string]string `json:"vars,omitempty"`
	Image   string            `json:"image"`
	Memory  int64             `json:"memory"`
}

// answer is one line of the child's stdout. For each entry there is one that
// says the evaluation begins, so that a crash can be blamed on a file, and one
// with the outcome.
type answer struct {
	File  string          `json:"file"`
	Begin bool            `json:"begin,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	Error *fault          `json:"error,omitempty"`
}

// fault is why an entry could not be evaluated.
type fault struct {
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

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
	if err := limitMemory(req.Memory); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	root, err := os.OpenRoot(req.Dir)
	if err != nil {
		return fmt.Errorf("open the tree: %w", err)
	}
	defer root.Close()
	return newEvaluator(root, req).run(req.Entries, out)
}

type evaluator struct {
	root *os.Root
	vm   *jsonnet.VM
	vars map[string]string
}

func newEvaluator(root *os.Root, req evaluation) *evaluator {
	vm := jsonnet.MakeVM()
	vm.Importer(newJail(root, req.Path))
	vm.SetTraceOut(io.Discard)
	vm.ExtVar(ImageVar, req.Image)
	for name, value := range req.Vars {
		vm.ExtVar(name, value)
	}
	return &evaluator{root: root, vm: vm, vars: req.Vars}
}

func (e *evaluator) run(entries []string, out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, file := range entries {
		if err := encoder.Encode(answer{File: file, Begin: true}); err != nil {
			return err
		}
		value, err := e.entry(file)
		outcome := answer{File: file, Value: value}
		if err != nil {
			outcome = answer{File: file, Error: newFault(file, err)}
		}
		if err := encoder.Encode(outcome); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) entry(file string) (json.RawMessage, error) {
	extension := strings.ToLower(path.Ext(file))
	if extension == ".jsonnet" {
		return e.jsonnet(file)
	}
	data, err := readFile(e.root, file)
	if err != nil {
		return nil, err
	}
	if data, err = plainText(data); err != nil {
		return nil, err
	}
	if extension == ".json" {
		return decodeJSON(data)
	}
	return decodeYAML(data)
}

func (e *evaluator) jsonnet(file string) (json.RawMessage, error) {
	node, _, err := e.vm.ImportAST("", file)
	if err != nil {
		return nil, err
	}
	e.vm.TLAReset()
	for _, name := range e.arguments(file, node) {
		e.vm.TLAVar(name, e.vars[name])
	}
	text, err := e.vm.Evaluate(node)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
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
