package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"sigs.k8s.io/yaml"
)

// lineError is a fault of a file whose line is known.
type lineError struct {
	line    int
	message string
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.message) }

// decodeJSON checks that data is one JSON value and returns it as it is, so that
// a duplicate key is still there to be found.
func decodeJSON(data []byte) (json.RawMessage, error) {
	var value json.RawMessage
	err := json.Unmarshal(data, &value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := data[:min(syntax.Offset, int64(len(data)))]
		return nil, lineError{line: 1 + bytes.Count(before, []byte("\n")), message: syntax.Error()}
	}
	return value, err
}

// decodeYAML returns the only document of data, or a list of all.
func decodeYAML(data []byte) (json.RawMessage, error) {
	documents := splitDocuments(data)
	values := make([]json.RawMessage, 0, len(documents))
	for _, d := range documents {
		value, err := yaml.YAMLToJSONStrict(d.data)
		if err != nil {
			return nil, yamlError(d.line, err)
		}
		values = append(values, value)
	}
	if len(values) == 1 {
		return values[0], nil
	}
	return json.Marshal(values)
}

type document struct {
	// line is the number of lines before the document.
	line int
	data []byte
}

// splitDocuments cuts at every line that begins or ends a document, because the
// YAML decoder silently ignores all documents but the first.
func splitDocuments(data []byte) []document {
	documents := []document{{}}
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		last := &documents[len(documents)-1]
		switch {
		case isMarker(line, "---") && hasContent(last.data):
			documents = append(documents, document{line: i, data: line})
		case isMarker(line, "..."):
			documents = append(documents, document{line: i + 1})
		default:
			last.data = append(last.data, line...)
		}
	}
	return documents
}

func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n"))
}

// hasContent reports whether data holds a document already, and not only
// directives and comments, which belong to the document that follows.
func hasContent(data []byte) bool {
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return true
		}
	}
	return false
}

// yamlLine finds the line that the YAML decoder names in its texts; it has no
// field for it.
var yamlLine = regexp.MustCompile(`(?s)line (\d+): (.*)$`)

func yamlError(offset int, err error) error {
	match := yamlLine.FindStringSubmatch(err.Error())
	if match == nil {
		return err
	}
	line, convErr := strconv.Atoi(match[1])
	if convErr != nil {
		return err
	}
	return lineError{line: offset + line, message: match[2]}
}
