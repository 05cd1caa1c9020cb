package validation_test

import (
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestReport(t *testing.T) {
	t.Parallel()
	token := meta.LocalObjectReference{Name: "token"}
	const (
		address  = "must begin with https:// or http:// and name a host"
		page     = "spec.report.url: Invalid value: must begin with https:// or http://, and name a host and no user"
		required = `spec.report.api: Required value: the address of the host's API: `
	)
	for name, tt := range map[string]struct {
		provider v1alpha1.Provider
		report   v1alpha1.Report
		want     []string
	}{
		"the webhook's host":    {"github", v1alpha1.Report{SecretRef: token}, nil},
		"another host":          {"gitea", v1alpha1.Report{Provider: "bitbucket", SecretRef: token}, nil},
		"no commit":             {"generic", v1alpha1.Report{Provider: "bitbucket", SecretRef: token}, []string{"spec.report: Forbidden: the Runs of this Trigger are about no commit: a report is for events of a git host"}},
		"a host of one's own":   {"gitea", v1alpha1.Report{API: "http://git.example.com:3000/api/v1", SecretRef: token}, nil},
		"a page":                {"gitlab", v1alpha1.Report{URL: "https://ci.example.com/{namespace}/{trigger}/{pipeline}/{run}?uid={uid}&sha={sha}", SecretRef: token}, nil},
		"no Secret":             {"gitlab", v1alpha1.Report{}, []string{"spec.report.secretRef.name: Required value: the Secret with a token of the git host"}},
		"no host":               {"gitea", v1alpha1.Report{Provider: "svn", SecretRef: token}, []string{`spec.report.provider: Unsupported value: "svn": supported values: "github", "gitlab", "bitbucket", "gitea", "bitbucket-server"`}},
		"gitea nowhere":         {"gitea", v1alpha1.Report{SecretRef: token}, []string{required + "gitea has one wherever it is installed"}},
		"data center nowhere":   {"github", v1alpha1.Report{Provider: "bitbucket-server", SecretRef: token}, []string{required + "bitbucket-server has one wherever it is installed"}},
		"a file":                {"gitea", v1alpha1.Report{API: "file:///api", SecretRef: token}, []string{"spec.report.api: Invalid value: " + address}},
		"no address":            {"gitea", v1alpha1.Report{API: "git.example.com", SecretRef: token}, []string{"spec.report.api: Invalid value: " + address}},
		"a token in an address": {"gitea", v1alpha1.Report{API: "https://canary@git.example.com", SecretRef: token}, []string{"spec.report.api: Invalid value: must hold no user, question mark or #; put credentials into the Secret"}},
		"a question":            {"gitea", v1alpha1.Report{API: "https://git.example.com/?access_token=canary", SecretRef: token}, []string{"spec.report.api: Invalid value: must hold no user, question mark or #; put credentials into the Secret"}},
		"a page of nobody":      {"github", v1alpha1.Report{URL: "/runs/{run}", SecretRef: token}, []string{page}},
		"a page that runs":      {"github", v1alpha1.Report{URL: "javascript:alert({run})", SecretRef: token}, []string{page}},
		"a context":             {"github", v1alpha1.Report{Context: "ci / web: 1.2", SecretRef: token}, nil},
		"a context of Markdown": {"github", v1alpha1.Report{Context: "**canary**", SecretRef: token}, []string{"spec.report.context: Invalid value: must begin with a letter or digit, and hold letters, digits, spaces and . _ / : - alone"}},
		"a context of lines":    {"github", v1alpha1.Report{Context: "ci\ncanary", SecretRef: token}, []string{"spec.report.context: Invalid value: must begin with a letter or digit, and hold letters, digits, spaces and . _ / : - alone"}},
		"a long context":        {"github", v1alpha1.Report{Context: strings.Repeat("x", 101), SecretRef: token}, []string{"spec.report.context: Too long: may not be more than 100 bytes"}},
		"a long page":           {"github", v1alpha1.Report{URL: "https://" + strings.Repeat("x", 2048), SecretRef: token}, []string{"spec.report.url: Too long: may not be more than 2048 bytes"}},
		"logs":                  {"github", v1alpha1.Report{Logs: new(true), SecretRef: token}, nil},
		"a page of what isn't":  {"github", v1alpha1.Report{URL: "https://ci.example.com/{title}", SecretRef: token}, []string{"spec.report.url: Invalid value: in braces may stand namespace, trigger, pipeline, run, uid, sha"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, err := range validation.Trigger(&v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: "web-push"}, Spec: v1alpha1.TriggerSpec{
				Pipeline: "web", Webhook: &v1alpha1.Webhook{Provider: tt.provider, SecretRef: meta.LocalObjectReference{Name: "hook"}}, Report: &tt.report,
			}}) {
				got = append(got, err.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || strings.Contains(strings.Join(got, ""), "canary") {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
