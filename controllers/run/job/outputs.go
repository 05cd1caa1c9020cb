package job

import (
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Outputs are what one job has left for later ones.
type Outputs struct {
	// Job is its name in the Pipeline.
	Job string
	// Values by name.
	Values map[string]string
}

// OutputName returns the environment variable of a job's output:
// KAYCI_OUTPUT_<JOB>_<NAME> in capitals, and with an underscore for a dash.
func OutputName(job, output string) string {
	return v1alpha1.EnvOutputPrefix + strings.ToUpper(strings.ReplaceAll(job, "-", "_")+"_"+output)
}

// AddOutputs gives the outputs of earlier jobs to the containers that get the
// parameters. They come last, and take the place of what has their names. Of two
// with the same name the later one counts.
func AddOutputs(built *batchv1.Job, earlier []Outputs) {
	values := map[string]string{}
	for _, outputs := range earlier {
		for name, value := range outputs.Values {
			values[OutputName(outputs.Job, name)] = value
		}
	}
	eachInjected(&built.Spec.Template, func(c *corev1.Container) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			setVariable(c, name, values[name])
		}
	})
}
