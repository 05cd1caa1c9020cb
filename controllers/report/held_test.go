package report_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// hold has the Trigger hold these heads.
func (w *world) hold(heads ...string) {
	w.t.Helper()
	var trigger v1alpha1.Trigger
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: "web-push"}, &trigger); err != nil {
		w.t.Fatal(err)
	}
	trigger.Status.Held = nil
	for _, head := range heads {
		trigger.Status.Held = append(trigger.Status.Held, v1alpha1.HeldHead{Repository: "acme/web", PullRequest: 7, SHA: head, Since: metav1.NewTime(noon)})
	}
	if err := w.client.Update(w.t.Context(), &trigger); err != nil {
		w.t.Fatal(err)
	}
}

var waits = "pending: waits for the comment /ok-to-test " + sha + " by someone with write access"

// A head that is held says what is missing, until it has a Run or waits no more.
func TestHeldHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.expect("nothing yet", 0, 0)
	w.hold(sha)
	w.expect("held", 0, 0, waits)
	w.expect("again", 0, 0)
	w.restart()
	w.expect("after a restart", 0, 0, waits)
	w.hold()
	if err := w.client.Create(t.Context(), run("a", 0)); err != nil {
		t.Fatal(err)
	}
	w.expect("let in", 0, 0, "pending: queued")
}

func TestHeadThatIsNeverLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hold(sha)
	w.expect("held", 0, 0, waits)
	w.hold("another")
	w.expect("replaced", 0, 0, "error: was never let in: the pull request was closed, or has another head")
	w.expect("again", 0, 0)
}
