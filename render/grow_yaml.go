package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// growYAML returns the only document of a text, or a list of all. The parser says
// where one ends: nobody else knows what is text and what isn't.
func (g *grower) growYAML(data []byte) (*node, error) {
	// A carriage return ends a line, in every version of YAML.
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	if err := checkYAML(data); err != nil {
		return nil, err
	}
	documents, err := parseYAML(data)
	if err != nil {
		return nil, yamlError(data, err)
	}
	reader := &yamlReader{grower: g, open: map[*yaml.Node]bool{}}
	if len(documents) == 1 {
		return reader.value(documents[0], 0)
	}
	list, err := g.node(listKind, 1, "")
	if err != nil {
		return nil, err
	}
	for i, document := range documents {
		g.enterItem(i)
		item, err := reader.value(document, 0)
		if err != nil {
			return nil, err
		}
		g.leave()
		list.items = append(list.items, item)
	}
	return list, nil
}

func parseYAML(data []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var documents []*yaml.Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, err
		}
		documents = append(documents, &document)
	}
}

// checkYAML refuses characters that YAML doesn't allow, or that end a line in
// some versions of it and are text in others.
func checkYAML(data []byte) error {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		data = data[size:]
		switch {
		case r == '\n':
			line++
		case r == 0x85 || r == 0x2028 || r == 0x2029:
			return lineError{line, fmt.Sprintf("%U ends a line to some readers of YAML and not to others: write it as \"\\u%04X\" in double quotes", r, r)}
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return lineError{line, fmt.Sprintf("%U is not allowed in YAML: write it as \"\\u%04X\" in double quotes", r, r)}
		}
	}
	return nil
}

// yamlLine finds the line that the YAML parser names in its texts; it has no
// field for it.
var yamlLine = regexp.MustCompile(`(?s)^yaml: line (\d+): (.*)$`)

// yamlError finds a fault's line. For some faults the parser names the line above:
// then what goes no further than that line hasn't got the fault.
func yamlError(data []byte, err error) error {
	match := yamlLine.FindStringSubmatch(err.Error())
	if match == nil {
		return lineError{1, strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	line, convErr := strconv.Atoi(match[1])
	if convErr != nil {
		return err
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	if line < len(lines) {
		if _, cut := parseYAML(bytes.Join(lines[:line], nil)); cut == nil || cut.Error() != err.Error() {
			line++
		}
	}
	return lineError{line, match[2]}
}

type yamlReader struct {
	*grower
	// open are the values that are being read: an alias for one of them would have
	// no end.
	open map[*yaml.Node]bool
}

// value takes a value of the document, and says that it stands at the line if
// that isn't 0.
func (r *yamlReader) value(from *yaml.Node, line int) (*node, error) {
	if line == 0 {
		line = from.Line
	}
	if r.open[from] {
		return nil, lineError{line, fmt.Sprintf("the value of the anchor %q contains itself", from.Anchor)}
	}
	switch from.Kind {
	case yaml.DocumentNode:
		if len(from.Content) == 0 {
			return r.node(nullKind, line, "null")
		}
		return r.value(from.Content[0], 0)
	case yaml.AliasNode:
		n, err := r.value(from.Alias, line)
		if lined, ok := errors.AsType[lineError](err); ok {
			// What stands there was read before, and was no fault there.
			return nil, lineError{line, lined.message}
		}
		return n, err
	case yaml.ScalarNode:
		return r.scalar(from, line)
	default:
		return r.collection(from, line)
	}
}

func (r *yamlReader) collection(from *yaml.Node, line int) (*node, error) {
	if tag := from.ShortTag(); tag != "!!map" && tag != "!!seq" {
		return nil, unknownTag(from)
	}
	r.open[from] = true
	defer delete(r.open, from)
	if from.Kind == yaml.SequenceNode {
		return r.list(from, line)
	}
	return r.object(from, line)
}

func unknownTag(from *yaml.Node) error {
	return lineError{from.Line, fmt.Sprintf("the tag %s means nothing here", from.Tag)}
}

func (r *yamlReader) list(from *yaml.Node, line int) (*node, error) {
	list, err := r.node(listKind, line, "")
	if err != nil {
		return nil, err
	}
	for i, content := range from.Content {
		r.enterItem(i)
		item, err := r.value(content, 0)
		if err != nil {
			return nil, err
		}
		r.leave()
		list.items = append(list.items, item)
	}
	return list, nil
}

// object reads the mapping's own keys, then what `<<` adds to them: of a key
// that is given more than once, the mapping's own value counts, then that of the
// first mapping that is merged.
func (r *yamlReader) object(from *yaml.Node, line int) (*node, error) {
	object, err := r.node(objectKind, line, "")
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	var merged *yaml.Node
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, content := from.Content[i], from.Content[i+1]
		name, err := keyText(key)
		if err != nil {
			return nil, err
		}
		isMerge := key.ShortTag() == "!!merge"
		switch {
		case has[name] || isMerge && merged != nil:
			r.enterKey(name)
			r.duplicate(key.Line)
			r.leave()
			continue
		case isMerge:
			merged = content
			continue
		}
		if err := r.member(object, name, content, key.Line); err != nil {
			return nil, err
		}
		has[name] = true
	}
	if merged != nil {
		err = r.merge(object, has, merged)
	}
	return object, err
}

func (r *yamlReader) member(object *node, name string, content *yaml.Node, line int) error {
	r.enterKey(name)
	item, err := r.value(content, line)
	if err != nil {
		return err
	}
	r.leave()
	object.keys, object.items = append(object.keys, name), append(object.items, item)
	return nil
}

// merge adds the keys of a mapping, or of a list of them, that aren't there yet.
func (r *yamlReader) merge(object *node, has map[string]bool, content *yaml.Node) error {
	value, err := r.value(content, 0)
	if err != nil {
		return err
	}
	sources := []*node{value}
	if value.kind == listKind {
		sources = value.items
	}
	for _, source := range sources {
		if source.kind != objectKind {
			return lineError{content.Line, "<< takes a mapping, or a list of mappings"}
		}
		for i, key := range source.keys {
			if !has[key] {
				has[key] = true
				object.keys, object.items = append(object.keys, key), append(object.items, source.items[i])
			}
		}
	}
	return nil
}

// yaml11Bool knows the words that are booleans to YAML 1.1 and so to kubectl, and
// text to the parser.
func yaml11Bool(text string) (value, ok bool) {
	switch text {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	default:
		return false, false
	}
}

func (r *yamlReader) scalar(from *yaml.Node, line int) (*node, error) {
	value, err := scalarValue(from)
	if err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case nil:
		return r.node(nullKind, line, "null")
	case string:
		return r.node(stringKind, line, v)
	case bool:
		return r.node(boolKind, line, strconv.FormatBool(v))
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, lineError{from.Line, fmt.Sprintf("%s is no number that JSON knows", from.Value)}
		}
		return r.node(numberKind, line, string(text))
	}
}

// scalarValue is nil, a string, a bool, an integer or a float64.
func scalarValue(from *yaml.Node) (any, error) {
	const plain = 0
	switch tag := from.ShortTag(); {
	case tag == "!!timestamp", tag == "!!merge":
		return from.Value, nil
	case tag == "!!str" && from.Style == plain, tag == "!!bool":
		if v, ok := yaml11Bool(from.Value); ok {
			return v, nil
		}
	case !slices.Contains([]string{"!!str", "!!null", "!!bool", "!!int", "!!float", "!!binary"}, tag):
		return nil, unknownTag(from)
	}
	var value any
	if err := from.Decode(&value); err != nil {
		return nil, lineError{from.Line, fmt.Sprintf("%s is no %s", from.Value, strings.TrimPrefix(from.ShortTag(), "!!"))}
	}
	if text, ok := value.(string); ok && !utf8.ValidString(text) {
		return nil, lineError{from.Line, "the value is no text"}
	}
	if number, ok := value.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
		return nil, lineError{from.Line, from.Value + " is no number that JSON knows"}
	}
	return value, nil
}

// keyText returns a key as JSON has it: text.
func keyText(key *yaml.Node) (string, error) {
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if key.Kind != yaml.ScalarNode {
		return "", lineError{key.Line, "a key must be text"}
	}
	value, err := scalarValue(key)
	if err != nil {
		return "", err
	}
	if value == nil {
		return "", lineError{key.Line, "a key must be text"}
	}
	return fmt.Sprint(value), nil
}
