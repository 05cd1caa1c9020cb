package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// A ConfigMap's change starts a workflow: a Run for each version that it gets, with real
// pods, whose own ConfigMaps of parameters start none.
func TestResourceStartsRuns(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	if err := repository.Copy(os.DirFS("../../examples/resource")); err != nil {
		t.Fatal(err)
	}
	commit := s.commit(t, repository)
	s.create(t, s.configRepo("example", repository.URL))
	s.syncTo(t, "example", commit)
	s.awaitWatching(t, "settings")

	settings := &corev1.ConfigMap{ObjectMeta: s.meta("settings"), Data: map[string]string{"version": "1.4.0"}}
	settings.Labels = map[string]string{"example.com/roll-out": "web"}
	s.create(t, settings)
	first := s.awaitEnd(t, s.awaitRuns(t, "settings", 1)[0], v1alpha1.RunSucceeded)
	if log := s.log(t, first.Name, "roll-out", "main"); !strings.Contains(log, "Rolling out version 1.4.0 of settings.") {
		t.Errorf("the log of the first Run is %q", log)
	}
	patch(t, s, settings, func(c *corev1.ConfigMap) { c.Annotations = map[string]string{"example.com/note": "nothing new"} })
	patch(t, s, settings, func(c *corev1.ConfigMap) { c.Data["version"] = "1.4.1 $(id) `id`" })
	names := s.awaitRuns(t, "settings", 2)
	second := s.awaitEnd(t, names[1], v1alpha1.RunSucceeded)
	if log := s.log(t, second.Name, "roll-out", "main"); !strings.Contains(log, "Rolling out version 1.4.1 $(id) `id` of settings.") {
		t.Errorf("the log of the second Run is %q", log)
	}
	s.awaitRuns(t, "settings", 2)
}

// awaitWatching waits until a Trigger watches its objects.
func (s *space) awaitWatching(t *testing.T, name string) {
	t.Helper()
	s.await(t, "Trigger "+name+" to watch", func(ctx context.Context) (bool, string, error) {
		var trigger v1alpha1.Trigger
		if err := s.Client.Get(ctx, s.key(name), &trigger); err != nil {
			return false, "", cluster.Retry(err)
		}
		ready := trigger.Status.Conditions
		return len(ready) > 0 && ready[0].Reason == v1alpha1.ReasonWatching, fmt.Sprint(ready), nil
	})
}

// awaitRuns waits until a Trigger has started that many Runs, and returns their names in
// the order of their numbers.
func (s *space) awaitRuns(t *testing.T, trigger string, want int) []string {
	t.Helper()
	names := make([]string, want)
	s.await(t, fmt.Sprintf("%d Runs of %s", want, trigger), func(ctx context.Context) (bool, string, error) {
		var runs v1alpha1.RunList
		if err := s.Client.List(ctx, &runs, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.TriggerLabel: trigger}); err != nil {
			return false, "", cluster.Retry(err)
		}
		if len(runs.Items) > want {
			return false, "", fmt.Errorf("there are %d", len(runs.Items))
		}
		numbered := 0
		for i := range runs.Items {
			if number := int(runs.Items[i].Status.Number); number > 0 && number <= want {
				names[number-1] = runs.Items[i].Name
				numbered++
			}
		}
		return numbered == want, fmt.Sprint(len(runs.Items)), nil
	})
	return names
}
