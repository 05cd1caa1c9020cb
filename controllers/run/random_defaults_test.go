package run_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// defaultsLabel tells which of the installation's defaults a Job was made with.
const defaultsLabel = "example.com/defaults"

// changingDefaults are an installation's that somebody edits, well and badly.
type changingDefaults struct {
	client.Reader

	rng     *rand.Rand
	version int
	faulty  bool
	// of is the label of each Run's first Job, by the Run's name.
	of map[string]string
}

func newChangingDefaults(seed uint64) *changingDefaults {
	return &changingDefaults{rng: rand.New(rand.NewPCG(seed, 2)), of: map[string]string{}} //nolint:gosec // Repeatable on purpose.
}

func (d *changingDefaults) installed() *revision.Installed {
	return &revision.Installed{Reader: d, Key: types.NamespacedName{Namespace: "kayci", Name: "job-defaults"}}
}

// edit may change them, and reports whether it has.
func (d *changingDefaults) edit() bool {
	if !chance(d.rng, 50) {
		return false
	}
	d.version++
	d.faulty = chance(d.rng, 400)
	return true
}

func (d *changingDefaults) mend() {
	if d.faulty {
		d.version++
		d.faulty = false
	}
}

// Get returns the ConfigMap.
func (d *changingDefaults) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	configMap := as[*corev1.ConfigMap](obj)
	configMap.ResourceVersion = fmt.Sprint(d.version)
	configMap.Data = map[string]string{"jobTemplate": fmt.Sprintf("metadata: {labels: {%s: v%d}}", defaultsLabel, d.version)}
	if d.faulty {
		configMap.Data["jobTemplate"] += "\nspec: {suspend: true}"
	}
	return nil
}

// checkDefaults checks that all Jobs of a Run are made with the same defaults,
// whatever they have become since.
func (s *simulation) checkDefaults(created *batchv1.Job) {
	s.t.Helper()
	of, label := created.Labels[v1alpha1.RunLabel], created.Labels[defaultsLabel]
	if first, known := s.defaults.of[of]; known && first != label {
		s.t.Errorf("Job %s is made with the defaults %q, one before with %q", created.Name, label, first)
	}
	s.defaults.of[of] = label
	r, found := s.server.objects["Run"][of].(*v1alpha1.Run)
	if found && label == "" && r.Spec.Revision != revision.Name(s.pipeline) {
		s.t.Errorf("Job %s is made without defaults, and its Run is pinned to %s", created.Name, r.Spec.Revision)
	}
}
