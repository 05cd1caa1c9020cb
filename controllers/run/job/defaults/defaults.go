// Package defaults merges an operator's template under those of a Pipeline's
// jobs, services and notifiers: what the author says counts, and what nobody says
// is left to Kubernetes. It is pure.
package defaults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
	kyaml "sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/validation"
)

// Key is that of the template in the data of a ConfigMap.
const Key = "jobTemplate"

// maxSize bounds the template, as it is written and as JSON: each template of a
// Pipeline may come to hold all of it.
const maxSize = 16 << 10

// Defaults are a partial template. nil: none.
type Defaults struct {
	template  batchv1.JobTemplateSpec
	canonical []byte
}

// Parse reads the data of a ConfigMap. Whatever is wrong with it is an error:
// half of an operator's template is none.
func Parse(data map[string]string) (*Defaults, error) {
	text, ok := data[Key]
	if !ok {
		return nil, fmt.Errorf("it has no key %q", Key)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("%s has %d bytes, and may have %d", Key, len(text), maxSize)
	}
	encoded, err := toJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", Key, strings.Join(strings.Fields(err.Error()), " "))
	}
	d := &Defaults{}
	faults, err := kjson.UnmarshalStrict(encoded, &d.template)
	if err = errors.Join(append(faults, err)...); err != nil {
		return nil, fmt.Errorf("%s: %s", Key, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if errs := validation.JobDefaults(&d.template, field.NewPath(Key)); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	if equality.Semantic.DeepEqual(d.template, batchv1.JobTemplateSpec{}) {
		return d, nil
	}
	if d.canonical, err = json.Marshal(d.template); err != nil {
		return nil, fmt.Errorf("%s: %w", Key, err)
	}
	if len(d.canonical) > maxSize {
		return nil, fmt.Errorf("%s has %d bytes as JSON, and may have %d", Key, len(d.canonical), maxSize)
	}
	return d, nil
}

// toJSON returns the only document of a text.
func toJSON(text string) ([]byte, error) {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for documents := 0; ; documents++ {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if documents > 0 {
			return nil, errors.New("it has more than one document")
		}
	}
	return kyaml.YAMLToJSONStrict([]byte(text))
}

// Canonical is blank if the defaults say nothing, and otherwise the same for all
// that say the same.
func (d *Defaults) Canonical() []byte {
	if d == nil {
		return nil
	}
	return d.canonical
}
