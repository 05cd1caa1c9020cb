package cli

import (
	"context"
	"regexp"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestUI: the page begins at the Run or at the namespace, by an address that nobody can
// guess, and ends well when it is told to.
func TestUI(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		next string
	}{
		"the namespace": {nil, `%2Fns%2Fci`},
		"a Run":         {[]string{"web/12"}, `%2Fns%2Fci%2Fruns%2Fweb-12`},
	} {
		c := at(t, interceptor.Funcs{}, aPipeline(), aRun("web-12", 12, v1alpha1.RunRunning))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		code := c.giveIn(ctx, append([]string{"ui", "--no-browser"}, tt.args...)...)
		want := `^http://127\.0\.0\.1:\d+/enter\?code=[A-Z2-7]{26}&next=` + tt.next + "\nThe address is good for one browser. Ctrl-C ends the page.\n$"
		if code != 0 || !regexp.MustCompile(want).MatchString(c.out.String()) {
			t.Errorf("%s: %d, %q, %q", name, code, c.out, c.err)
		}
	}
	c := at(t, interceptor.Funcs{})
	if code := c.give(t, "ui", "web/12"); code != 2 {
		t.Errorf("no such Run: %d, %q", code, c.err)
	}
}
