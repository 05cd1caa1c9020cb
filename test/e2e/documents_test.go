package e2e

import (
	"strings"
	"testing"
)

// document is a page whose commands are typed, in the order of the list: each
// page finds what those before it have made in the namespace ci.
type document struct {
	path string
	// replaced are words of this page alone, beside those of all.
	replaced []string
	// before is what a reader of this page has done already.
	before string
	// says is what the commands have to print.
	says []string
}

func documents() []document {
	return []document{
		{path: "README.md", says: []string{`"outcome":"Created"`, "example.com/web", "main is good", "pipeline.kayci.dev/web "}},
		{
			path: "examples/README.md",
			// The tutorial has made it.
			replaced: []string{"kubectl create namespace ci", "kubectl get namespace ci"},
			says:     []string{"gopher"},
		},
		{
			path:   "docs/pipelines.md",
			before: awaitApproval("web-3f9k2c") + awaitApproval("web-8d2m4x"),
			says:   []string{"Deploy to production?", "kubectl patch run web-3f9k2c -n ci", "run.kayci.dev/web-3f9k2c patched", "run.kayci.dev/web-8d2m4x patched"},
		},
		{path: "docs/runs.md", before: cloneNothing, says: []string{"test\t", "created"}},
		{path: "docs/operations.md"},
		{path: "docs/configrepos.md"},
		{path: "docs/reasons.md"},
		{path: "docs/notify.md", says: []string{"sent"}},
		{path: "charts/kayci/README.md", says: []string{"serves every namespace"}},
		{path: "examples/approval/README.md", before: awaitApproval("web-again"), replaced: []string{"NAME", "web-again"}, says: []string{"patched"}},
		{path: "examples/notifiers/README.md", before: "kubectl delete secret chat --namespace ci --ignore-not-found\n"},
		{path: "examples/services/README.md"},
	}
}

// untyped are blocks that no test can type, by their first line, with the
// reason.
func untyped() map[string]string {
	return map[string]string{
		"make demo         # a real local Kubernetes, KayCI, Gitea, a push, its Run with logs and commit status": "they start and stop the cluster that this runs in",
		"make docker-image REPOSITORY=registry.example.com/kayci VERSION=0.1.0":                                  "needs Docker and a registry; test/image builds from what Docker would be sent",
		"make local-up local-load": "it is how these tests begin",
		"kubectl delete crd configrepos.kayci.dev pipelines.kayci.dev triggers.kayci.dev runs.kayci.dev": "deletes every Run of every other test",
		"kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration kayci.kayci":         "other tests need the webhook",
		"helm upgrade kayci charts/kayci --namespace kayci --reuse-values --set store.enabled=true":      "the KayCI that other tests use has the store",
		"kubectl apply -f trigger.yaml":                                                          "shows a refusal of a file that the reader has",
		"kayci match ci -f payload.json --header X-GitHub-Event=push":                            "asks about a delivery that the reader has",
		"kubectl create secret generic web-token --namespace ci --from-file=token=/dev/stdin":    "waits for a token that the reader has",
		`kubectl get run NAME -o jsonpath='{.status.conditions[?(@.type=="Reported")].message}'`: "is about a Run of which a git host is told",
	}
}

// cloneNothing starts a Run that can't succeed, as one that is to be retried.
const cloneNothing = `kubectl create -f - <<EOF
apiVersion: kayci.dev/v1alpha1
kind: Run
metadata: {generateName: web-, namespace: ci}
spec: {pipeline: web, params: {git_url: /nowhere, git_sha: main}}
EOF
`

func awaitApproval(run string) string {
	return strings.ReplaceAll(`kubectl apply -f - <<EOF
apiVersion: kayci.dev/v1alpha1
kind: Pipeline
metadata: {name: approved, namespace: ci}
spec:
  jobs:
  - {name: test, template: &template {spec: {template: {spec: {containers: [{name: main, image: "`+busybox+`", command: ["true"]}]}}}}}
  - {name: deploy, needs: [test], approval: {message: "Deploy to production?"}, template: *template}
EOF
kubectl apply -f - <<EOF
apiVersion: kayci.dev/v1alpha1
kind: Run
metadata: {name: RUN, namespace: ci}
spec: {pipeline: approved}
EOF
kubectl wait run RUN -n ci --for=jsonpath='{.status.jobs[1].reason}'=AwaitingApproval --timeout=1m
`, "RUN", run)
}

// TestDocuments types the commands of the documents, as they stand there but for
// the names of hosts and of KayCI's image and namespace.
func TestDocuments(t *testing.T) {
	t.Parallel()
	if shared.skip != "" {
		t.Skip(shared.skip)
	}
	typist := newTypist(t)
	for _, d := range documents() {
		page := readPage(t, d.path)
		typist.note(page)
		if !t.Run(d.path, func(t *testing.T) { typist.typePage(t, d, page) }) {
			return // what comes after builds on it
		}
	}
	typist.checkNothingIsLeftOut(t)
}
