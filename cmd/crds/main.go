// Command crds fits the CRD of Pipelines, as controller-gen writes it, to the API
// server and to Helm: from standard input to standard output.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	yamlv3 "go.yaml.in/yaml/v3"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crds:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	crd, err := read(in)
	if err != nil {
		return fmt.Errorf("read a CRD: %w", err)
	}
	if err := transform(&crd.Spec); err != nil {
		return fmt.Errorf("%s: %w", crd.Name, err)
	}
	if err := write(out, crd); err != nil {
		return fmt.Errorf("write %s: %w", crd.Name, err)
	}
	return nil
}

// definition is a CustomResourceDefinition without its status, which would be
// written even where there is none.
type definition struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec apiextensions.CustomResourceDefinitionSpec `json:"spec"`
}

// read refuses fields that these types don't know: they would be lost.
func read(in io.Reader) (*definition, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	crd := &definition{}
	return crd, yaml.UnmarshalStrict(data, crd)
}

// write differs from controller-gen in that it folds no line: the indentation of
// each continued line would be a tenth of the file.
func write(out io.Writer, crd *definition) error {
	data, err := json.Marshal(crd)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := yamlv3.Unmarshal(data, &fields); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "---"); err != nil {
		return err
	}
	encoder := yamlv3.NewEncoder(out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	return errors.Join(encoder.Encode(fields), encoder.Close())
}
