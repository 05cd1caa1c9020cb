package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestConfigRepo(t *testing.T) {
	const url = "https://git.example.com/acme/pipelines.git"
	for name, tc := range map[string]struct {
		spec v1alpha1.ConfigRepoSpec
		want []string
	}{
		"https":    {v1alpha1.ConfigRepoSpec{URL: url}, nil},
		"ssh user": {v1alpha1.ConfigRepoSpec{URL: "ssh://git@git.example.com/acme/pipelines.git"}, nil},
		"file":     {v1alpha1.ConfigRepoSpec{URL: "file:///etc"}, []string{"spec.url: Invalid value: must begin with https://, http://, ssh:// or git:// and name a host"}},
		"scp":      {v1alpha1.ConfigRepoSpec{URL: "git@example.com:acme/x"}, []string{"spec.url: Invalid value: must begin with https://, http://, ssh:// or git:// and name a host"}},
		"password": {v1alpha1.ConfigRepoSpec{URL: "https://me:canary@example.com/x"}, []string{"spec.url: Invalid value: must not hold a password; put credentials in a Secret and name it in secretRef"}},
		"token":    {v1alpha1.ConfigRepoSpec{URL: "https://canary@example.com/x"}, []string{"spec.url: Invalid value: must not hold a user name, which may be a token; remove what stands before the @, and put credentials in a Secret that secretRef names"}},
		"two refs": {v1alpha1.ConfigRepoSpec{URL: url, Ref: &v1alpha1.GitRef{Branch: "a", Tag: "b"}}, []string{"spec.ref: Invalid value: takes one of branch, tag and commit"}},
		"path out": {v1alpha1.ConfigRepoSpec{URL: url, Path: "a/../.."}, []string{`spec.path: Invalid value: "a/../..": must be relative and must not contain '..'`}},
		"ignored":  {v1alpha1.ConfigRepoSpec{URL: url, Ignore: []string{"docs/**", "*.md"}}, nil},
		"globs": {v1alpha1.ConfigRepoSpec{URL: url, Ignore: []string{"[", "{a,b}"}}, []string{
			`spec.ignore[0]: Invalid value: "[": is not a valid glob`,
			`spec.ignore[1]: Invalid value: "{a,b}": has alternatives in braces: list each as a pattern of its own, or write \{ and \} for the characters`,
		}},
		"too often": {
			v1alpha1.ConfigRepoSpec{URL: url, Interval: &metav1.Duration{Duration: time.Second}},
			[]string{`spec.interval: Invalid value: "1s": must be at least 10s`},
		},
		"too patient": {
			v1alpha1.ConfigRepoSpec{URL: url, Timeout: &metav1.Duration{Duration: time.Hour}},
			[]string{`spec.timeout: Invalid value: "1h0m0s": must be at most 30m0s`},
		},
		"waits for Runs too long": {
			v1alpha1.ConfigRepoSpec{URL: url, PruneTimeout: &metav1.Duration{Duration: 169 * time.Hour}},
			[]string{`spec.pruneTimeout: Invalid value: "169h0m0s": must be at least 0s and at most 168h0m0s`},
		},
		"waits for no Runs": {v1alpha1.ConfigRepoSpec{URL: url, PruneTimeout: &metav1.Duration{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := texts(validation.ConfigRepo(&v1alpha1.ConfigRepo{ObjectMeta: metav1.ObjectMeta{Name: "pipelines"}, Spec: tc.spec}))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.Join(got, ""), "canary") {
				t.Errorf("a password stands in %q", got)
			}
		})
	}
}
