package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// Desired is a rendered object as it is sent to the API server.
type Desired struct {
	// Key names the object.
	Key Key
	// File is the entry file that it came from.
	File string
	// Config is the whole of what KayCI claims of the object. It is never changed.
	Config *unstructured.Unstructured
	// Digest of Config.
	Digest string
}

// Prepare turns what was rendered for a ConfigRepo into what is applied: name,
// labels with the owner's, annotations and spec. Anything else of the metadata
// is the cluster's, and so is the status. With a blank ConfigRepo no owner is named.
func Prepare(repo string, objects []render.Object) ([]Desired, error) {
	prepared := make([]Desired, 0, len(objects))
	for _, o := range objects {
		d, err := prepare(repo, o)
		if err != nil {
			return nil, fmt.Errorf("%s: encode %s: %w", o.File, o.Object.GetName(), err)
		}
		prepared = append(prepared, d)
	}
	return prepared, nil
}

// Carry returns what a commit renders of which some entry files are unchanged: their
// objects as they were before, and those of the others, sorted by kind and name.
func Carry(before []Desired, unchanged []string, others []Desired) []Desired {
	files := sets.New(unchanged...)
	all := slices.Clone(others)
	for _, d := range before {
		if files.Has(d.File) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Desired) int { return byKey(a.Key, b.Key) })
	return all
}

func prepare(repo string, o render.Object) (Desired, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.Object)
	if err != nil {
		return Desired{}, err
	}
	gvk := o.Object.GetObjectKind().GroupVersionKind()
	config := &unstructured.Unstructured{Object: map[string]any{"spec": withoutNulls(content["spec"])}}
	config.SetGroupVersionKind(gvk)
	config.SetNamespace(o.Object.GetNamespace())
	config.SetName(o.Object.GetName())
	config.SetAnnotations(o.Object.GetAnnotations())
	labels := map[string]string{}
	maps.Copy(labels, o.Object.GetLabels())
	if repo != "" {
		labels[v1alpha1.ConfigRepoLabel] = repo
	}
	config.SetLabels(labels)
	sum, err := digest(config)
	return Desired{Key: Key{Kind: gvk.Kind, Name: o.Object.GetName()}, File: o.File, Config: config, Digest: sum}, err
}

// WithSpec returns the object with another spec, for a Pipeline that something was
// merged into.
func (d Desired) WithSpec(spec *v1alpha1.PipelineSpec) (Desired, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return Desired{}, err
	}
	d.Config = d.Config.DeepCopy()
	d.Config.Object["spec"] = withoutNulls(content)
	d.Digest, err = digest(d.Config)
	return d, err
}

func digest(config *unstructured.Unstructured) (string, error) {
	encoded, err := config.MarshalJSON()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(encoded)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// withoutNulls drops fields that Go types encode as null though nobody set them,
// as some do with a zero time. In a server-side apply a null would be a claim.
func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if field == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(field)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return value
}
