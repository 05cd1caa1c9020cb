package validation_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestPoll(t *testing.T) {
	t.Parallel()
	const address = "https://git.example.com/acme/web.git"
	for name, tt := range map[string]struct {
		poll   v1alpha1.Poll
		params map[string]string
		want   string
	}{
		"good": {
			v1alpha1.Poll{URL: address, Interval: &metav1.Duration{Duration: 30 * time.Second}, Branches: []string{"release/*"}, Tags: []string{"v*"}},
			map[string]string{"sha": "event.sha"},
			"",
		},
		"a password": {
			v1alpha1.Poll{URL: "https://me:canary@git.example.com/web"},
			nil,
			"spec.poll.url: Invalid value: must not hold a password; put credentials in a Secret and name it in secretRef",
		},
		"a token": {
			v1alpha1.Poll{URL: "https://canary@git.example.com/web"},
			nil,
			"spec.poll.url: Invalid value: must not hold a user name, which may be a token; remove what stands before the @, and put credentials in a Secret that secretRef names",
		},
		"a file": {
			v1alpha1.Poll{URL: "file:///etc"},
			nil,
			"spec.poll.url: Invalid value: must begin with https://, http://, ssh:// or git:// and name a host",
		},
		"too often": {
			v1alpha1.Poll{URL: address, Interval: &metav1.Duration{Duration: 29 * time.Second}},
			nil,
			`spec.poll.interval: Invalid value: "29s": must be at least 30s`,
		},
		"bad branches": {
			v1alpha1.Poll{URL: address, Branches: []string{"main", "["}},
			nil,
			`spec.poll.branches[1]: Invalid value: "[": is not a valid glob`,
		},
		"bad tags": {
			v1alpha1.Poll{URL: address, Tags: []string{"["}},
			nil,
			`spec.poll.tags[0]: Invalid value: "[": is not a valid glob`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			errs := validation.Trigger(&v1alpha1.Trigger{
				ObjectMeta: metav1.ObjectMeta{Name: "web-poll"}, Spec: v1alpha1.TriggerSpec{Pipeline: "web", Poll: &tt.poll, Params: tt.params},
			})
			if err := errs.ToAggregate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
