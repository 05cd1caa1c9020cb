package chart_test

import (
	"strings"
	"testing"
)

// TestChartRefusesNonsense is about values that can't work, and what the
// message says of them.
func TestChartRefusesNonsense(t *testing.T) {
	tests := map[string]struct{ set, want string }{
		"a repo outside watchNamespaces": {
			"watchNamespaces={team-a},configRepos[0].name=a,configRepos[0].spec.url=https://x",
			`"a" is in the namespace "ci", which is none of watchNamespaces`,
		},
		"a repo twice": {
			"configRepos[0].name=a,configRepos[0].spec.url=https://x,configRepos[1].name=a,configRepos[1].spec.url=https://y",
			"ci/a is listed twice",
		},
		"a repo of no address": {"configRepos[0].name=a,configRepos[0].spec.path=b", "'url'"},
		"a monitor of nothing": {
			"metrics.enabled=false,metrics.serviceMonitor.enabled=true",
			"needs metrics.enabled",
		},
		"an unknown value":                      {"replica=1", "'replica'"},
		"a secret for an address":               {"configRepos[0].name=a,configRepos[0].spec.url.password=canary", "/configRepos/0/spec/url"},
		"an unknown value below":                {"controller.verbose=1", "'verbose'"},
		"a value of another type":               {"replicas=many", "/replicas"},
		"an ingress without hosts":              {"ingress.enabled=true", "/ingress/hosts"},
		"a route without a gateway":             {"httpRoute.enabled=true", "/httpRoute/parentRefs"},
		"a label that is the chart's own":       {"commonLabels.app\\.kubernetes\\.io/name=x", "invalid propertyName 'app.kubernetes.io/name'"},
		"a certificate that nobody would trust": {"admission.certificate.secretName=own", "needs caBundle"},
		"a registry with a digest":              {"global.imageRegistry=a@b", "/global/imageRegistry"},
		"Secrets for Triggers":                  {"triggers.resources[0].apiGroups[0]=,triggers.resources[0].resources={secrets}", "Secrets start no Runs"},
		"everything for Triggers":               {"triggers.resources[0].apiGroups={*},triggers.resources[0].resources={configmaps}", "/triggers/resources/0/apiGroups/0"},
		"every kind for Triggers":               {"triggers.resources[0].apiGroups={apps},triggers.resources[0].resources={*}", "/triggers/resources/0/resources/0"},
		"a part of a kind for Triggers":         {"triggers.resources[0].apiGroups={apps},triggers.resources[0].resources={pods/log}", "/triggers/resources/0/resources/0"},
		"an older Kubernetes":                   {"replicas=1", "incompatible with Kubernetes v1.30.0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			version := "v1.31.0"
			if strings.Contains(tt.want, "v1.30.0") {
				version = "v1.30.0"
			}
			_, err := helm(t, helm3, "template", release, chartFolder, "--kube-version", version, "--set", tt.set)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			} else if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}
