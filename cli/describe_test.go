package cli

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestDescribe(t *testing.T) {
	_, objects := world(t)
	c := looking(t, interceptor.Funcs{}, objects...)
	for _, args := range [][]string{{"describe"}, {"describe", "web/12"}, {"describe", "web"}, {"describe", "web-push-k7x2m"}} {
		if code := c.give(t, args...); code != 0 {
			t.Errorf("%q: exit code %d: %s", args, code, c.err)
		}
		golden(t, "describe.txt", c.out.String())
	}
	if code := c.give(t, "describe", "web/12", "-o", "yaml"); code != 0 || !strings.Contains(c.out.String(), "kind: Run\n") {
		t.Errorf("exit code %d: %s%s", code, c.out, c.err)
	}
	if code := c.give(t, "describe", "-o", "wide"); code != ExitFault {
		t.Errorf("exit code %d: %s%s", code, c.out, c.err)
	}
	if code := c.give(t, "describe", "web/13"); code != ExitFault {
		t.Errorf("exit code %d: %s%s", code, c.out, c.err)
	}
}

// TestDescribeWithoutRights: who may see Runs sees what their statuses say, also if the
// Pipeline's revision is gone.
func TestDescribeWithoutRights(t *testing.T) {
	run, _ := world(t)
	c := looking(t, interceptor.Funcs{List: func(ctx context.Context, inner client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, runs := list.(*v1alpha1.RunList); runs {
			return inner.List(ctx, list, options...)
		}
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", nil)
	}}, run)
	if code := c.give(t, "describe"); code != 0 {
		t.Errorf("exit code %d: %s", code, c.err)
	}
	golden(t, "describe-unseen.txt", c.out.String())
}

func TestManyEvents(t *testing.T) {
	c := looking(t, interceptor.Funcs{})
	d := description{now: clock(100).Time, terminal: c.Terminal, lines: []string{""}}
	for i := range 100 {
		e := event("e", "Run", "web", "6f1a", "Told", strings.Repeat("x", 5000), i)
		d.happened = append([]corev1.Event{*e}, d.happened...)
	}
	d.history()
	if len(d.lines) != 2+maxEvents || !strings.HasPrefix(d.lines[2], "  20s ago  Told  run/web  xxx") || len(d.lines[2]) > 300 {
		t.Errorf("%d lines, the first %.60q", len(d.lines), d.lines[2])
	}
}
