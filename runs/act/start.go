package act

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// ParamsError says which parameters a Pipeline doesn't take as they were given. No
// value is repeated.
type ParamsError struct {
	Pipeline string
	Problems field.ErrorList
}

func (e *ParamsError) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, fmt.Sprintf("Pipeline %s doesn't take these parameters:", e.Pipeline))
	for _, problem := range e.Problems {
		lines = append(lines, "  "+problem.Error())
	}
	return strings.Join(lines, "\n")
}

// Start has the Pipeline run, with the parameters that are given: it fills in what has
// a default. With dryRun the API server judges the Run and doesn't store it.
func Start(ctx context.Context, c client.Client, pipeline *v1alpha1.Pipeline, params map[string]string, dryRun bool) (*v1alpha1.Run, error) {
	if !pipeline.DeletionTimestamp.IsZero() {
		return nil, fmt.Errorf("start Pipeline %s: it is being deleted", pipeline.Name)
	}
	if _, problems := validation.Params(pipeline.Spec.Params, params); len(problems) > 0 {
		return nil, &ParamsError{Pipeline: pipeline.Name, Problems: problems}
	}
	run := newRun(pipeline.Namespace, pipeline.Name)
	run.Spec.Params = maps.Clone(params)
	if err := create(ctx, c, run, dryRun); err != nil {
		return nil, fmt.Errorf("start Pipeline %s: %w", pipeline.Name, err)
	}
	return run, nil
}

// newRun is a Run as somebody would write it down. KayCI adds what it belongs to and
// what it is pinned to; the label comes now, so that lists have the Run at once.
func newRun(namespace, pipeline string) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, GenerateName: pipeline + "-",
			Labels: map[string]string{v1alpha1.PipelineLabel: pipeline},
		},
		Spec: v1alpha1.RunSpec{Pipeline: pipeline},
	}
}

func create(ctx context.Context, c client.Client, run *v1alpha1.Run, dryRun bool) error {
	options := []client.CreateOption{client.FieldOwner(Manager)}
	if dryRun {
		options = append(options, client.DryRunAll)
	}
	return c.Create(ctx, run, options...)
}

// Missing returns the parameters that the Pipeline asks for and that aren't given.
func Missing(pipeline *v1alpha1.Pipeline, params map[string]string) []v1alpha1.Param {
	return slices.DeleteFunc(slices.Clone(pipeline.Spec.Params), func(param v1alpha1.Param) bool {
		_, given := params[param.Name]
		return given || param.Default != nil
	})
}

// Like returns the parameters of a Run, as a new Run of the Pipeline would take them,
// and the names of those that the Pipeline doesn't declare any more.
func Like(run *v1alpha1.Run, pipeline *v1alpha1.Pipeline) (params map[string]string, gone []string) {
	params = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(run.Spec.Params)) {
		if slices.ContainsFunc(pipeline.Spec.Params, func(p v1alpha1.Param) bool { return p.Name == name }) {
			params[name] = run.Spec.Params[name]
		} else {
			gone = append(gone, name)
		}
	}
	return params, gone
}
