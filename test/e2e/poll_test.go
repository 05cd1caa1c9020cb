package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// A repository whose host sends nothing is looked at: a commit that was there starts no
// Run, and each one that is found later starts one.
func TestAPollFindsAPush(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	there := s.push(t, repository, map[string]string{"README.md": "first"})

	web := s.pipeline("web", script("test", `echo "Testing $KAYCI_SHA."`))
	web.Spec.Params = []v1alpha1.Param{{Name: "sha"}}
	s.create(t, web, &v1alpha1.Trigger{ObjectMeta: s.meta("poll"), Spec: v1alpha1.TriggerSpec{
		Pipeline: "web", Params: map[string]string{"sha": "event.sha"},
		Poll: &v1alpha1.Poll{URL: repository.URL, Interval: &metav1.Duration{Duration: 30 * time.Second}, Branches: []string{"main"}},
	}})
	s.awaitHead(t, there)
	pushed := s.push(t, repository, map[string]string{"README.md": "second"})
	s.awaitHead(t, pushed)

	var runs v1alpha1.RunList
	names, err := s.names(s.ctx, &runs)
	if err != nil || len(names) != 1 {
		t.Fatalf("there are the Runs %v, %v: want that of the push alone", names, err)
	}
	run := s.awaitEnd(t, names[0], v1alpha1.RunSucceeded)
	got := [...]string{run.Spec.Origin.Trigger, run.Spec.Origin.Delivery, run.Spec.Origin.Ref, run.Spec.Origin.SHA, run.Spec.Params["sha"]}
	want := [...]string{"poll", "refs/heads/main@" + pushed, "refs/heads/main", pushed, pushed}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if log := s.log(t, run.Name, "test", "main"); log != "Testing "+pushed+".\n" {
		t.Errorf("the log is %q", log)
	}
}

// awaitHead waits until a look has found the branch at the commit.
func (s *space) awaitHead(t *testing.T, commit string) {
	t.Helper()
	trigger := &v1alpha1.Trigger{}
	s.await(t, "a look to find "+commit, func(ctx context.Context) (bool, string, error) {
		if err := s.Client.Get(ctx, s.key("poll"), trigger); err != nil {
			return false, "", cluster.Retry(err)
		}
		poll := trigger.Status.Poll
		if poll == nil || len(poll.Heads) == 0 {
			return false, "nothing was found yet", nil
		}
		return poll.Heads[0].SHA == commit, "the branch was found at " + poll.Heads[0].SHA, nil
	})
}
