package api_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	validContainer = `containers: [{name: main, image: busybox}]`
	validJob       = `{name: a, template: {spec: {template: {spec: {` + validContainer + `}}}}}`
)

// TestAdmission shows that an object that breaks a rule never gets in, and that
// the answer says what to do.
func TestAdmission(t *testing.T) {
	job := func(fields string) string { return `{jobs: [` + fields + `]}` }
	template := func(fields string) string { return job(`{name: a, template: ` + fields + `}`) }
	pod := func(fields string) string {
		return template(`{spec: {template: {spec: {` + fields + `}}}}`)
	}
	workspace := func(path, metadata, spec string) string {
		return `{jobs: [` + validJob + `], workspace: {` + path + `, volumeClaimTemplate: {metadata: ` + metadata + `, spec: {` + spec + `}}}}`
	}
	service := func(fields, pod string) string {
		return `{jobs: [` + validJob + `], services: [{` + fields + `, template: {spec: {template: {spec: {` + pod + `}}}}}]}`
	}
	notifier := func(fields, spec string) string {
		return `{jobs: [` + validJob + `], notifiers: [{name: chat, ` + fields + `, template: {spec: ` + spec + `}}]}`
	}
	for name, tc := range map[string]struct {
		kind, name, spec, want string
	}{
		"pipeline":              {kind: "Pipeline", spec: job(validJob)},
		"no jobs":               {kind: "Pipeline", spec: `{jobs: []}`, want: "spec.jobs"},
		"duplicate jobs":        {kind: "Pipeline", spec: job(validJob + "," + validJob), want: "jobs must have different names"},
		"long name":             {kind: "Pipeline", name: strings.Repeat("x", 53), spec: job(validJob), want: "metadata.name must be a DNS label of at most 52 characters"},
		"typo in a container":   {kind: "Pipeline", spec: pod(`containers: [{name: main, imagee: busybox}]`), want: `unknown field "spec.jobs[0].template.spec.template.spec.containers[0].imagee"`},
		"container's type":      {kind: "Pipeline", spec: pod(`containers: [{name: main, image: 3}]`), want: "containers[0].image: Invalid value"},
		"template's name":       {kind: "Pipeline", spec: template(`{metadata: {name: x}, spec: {template: {spec: {` + validContainer + `}}}}`), want: "name and namespace are KayCI's to set"},
		"template's annotation": {kind: "Pipeline", spec: template(`{metadata: {annotations: {a: b}}, spec: {template: {spec: {` + validContainer + `}}}}`)},
		"ttl":                   {kind: "Pipeline", spec: template(`{spec: {ttlSecondsAfterFinished: 1, template: {spec: {` + validContainer + `}}}}`), want: "a Job deleted early would be run again"},
		"suspend":               {kind: "Pipeline", spec: template(`{spec: {suspend: false, template: {spec: {` + validContainer + `}}}}`), want: "suspend is refused"},
		"selector":              {kind: "Pipeline", spec: template(`{spec: {selector: {}, template: {spec: {` + validContainer + `}}}}`), want: "selector is refused"},
		"restartPolicy":         {kind: "Pipeline", spec: pod(`restartPolicy: OnFailure, ` + validContainer), want: "restartPolicy must be Never"},
		"job timeout":           {kind: "Pipeline", spec: job(`{name: a, timeout: 1ms, template: {spec: {template: {spec: {` + validContainer + `}}}}}`), want: "timeout must be at least 1s"},
		"approval's timeout":    {kind: "Pipeline", spec: job(`{name: a, approval: {timeout: 1ms}, template: {spec: {template: {spec: {` + validContainer + `}}}}}`), want: "timeout must be at least 1s"},
		"Run's timeout":         {kind: "Pipeline", spec: `{timeout: 999ms, jobs: [` + validJob + `]}`, want: "timeout must be at least 1s"},
		"pending timeout":       {kind: "Pipeline", spec: `{pendingTimeout: 0s, jobs: [` + validJob + `]}`, want: "pendingTimeout must be at least 1s"},
		"parameter's name":      {kind: "Pipeline", spec: `{params: [{name: GIT}], jobs: [` + validJob + `]}`, want: "spec.params[0].name"},
		"reserved parameter":    {kind: "Pipeline", spec: `{params: [{name: run}], jobs: [` + validJob + `]}`, want: "this name is reserved"},
		"parameter's values":    {kind: "Pipeline", spec: `{params: [{name: a, enum: [v, w], default: w, pattern: "[a-z]"}], jobs: [` + validJob + `]}`},
		"value twice":           {kind: "Pipeline", spec: `{params: [{name: a, enum: [x, x]}], jobs: [` + validJob + `]}`, want: `spec.params[0].enum[1]: Duplicate value: "x"`},
		"default not in enum":   {kind: "Pipeline", spec: `{params: [{name: a, enum: [v, w], default: x}], jobs: [` + validJob + `]}`, want: "default must be one of enum"},
		"retention of none":     {kind: "Pipeline", spec: `{retention: {maxCount: 0}, jobs: [` + validJob + `]}`, want: "spec.retention.maxCount"},
		"no failed Runs kept":   {kind: "Pipeline", spec: `{retention: {maxFailed: 0}, jobs: [` + validJob + `]}`, want: "spec.retention.maxFailed"},
		"least age below zero":  {kind: "Pipeline", spec: `{retention: {minAge: -1s}, jobs: [` + validJob + `]}`, want: "minAge must be at least 0s"},
		"least age above":       {kind: "Pipeline", spec: `{retention: {minAge: 1h, maxAge: 59m}, jobs: [` + validJob + `]}`, want: "minAge must be at most maxAge"},
		"each bound":            {kind: "Pipeline", spec: `{retention: {maxCount: 1, maxFailed: 1, minAge: 0s, maxAge: 1s}, jobs: [` + validJob + `]}`},
		"a group's one key":     {kind: "Pipeline", spec: `{concurrency: {group: production}, jobs: [` + validJob + `]}`},
		"neither key nor group": {kind: "Pipeline", spec: `{concurrency: {limit: 2}, jobs: [` + validJob + `]}`, want: "key is required, unless there is a group"},
		"group's name":          {kind: "Pipeline", spec: `{concurrency: {group: a.b}, jobs: [` + validJob + `]}`, want: "spec.concurrency.group"},
		"numbers":               {kind: "Pipeline", spec: pod(`containers: [{name: main, image: busybox, resources: {requests: {cpu: "1.5", memory: 8000000000, ephemeral-storage: "1.5e9", example.com/gpu: "2"}}, livenessProbe: {httpGet: {port: 80}}}]`)},
		"no quantity":           {kind: "Pipeline", spec: pod(`containers: [{name: main, image: busybox, resources: {requests: {cpu: "1e1.5"}}}]`), want: "requests.cpu: Invalid value"},
		"vast quantity":         {kind: "Pipeline", spec: pod(`containers: [{name: main, image: busybox, resources: {requests: {memory: "1e999999999999"}}}]`), want: "requests.memory: Invalid value"},
		"vast port":             {kind: "Pipeline", spec: pod(`containers: [{name: main, image: busybox, livenessProbe: {httpGet: {port: 5000000000}}}]`), want: "port: Invalid value"},
		"service":               {kind: "Pipeline", spec: service(`name: db, ports: [{port: 5432}]`, validContainer)},
		"service's name":        {kind: "Pipeline", spec: service(`name: 2db, ports: [{port: 5432}]`, validContainer), want: "spec.services[0].name"},
		"service's port":        {kind: "Pipeline", spec: service(`name: db, ports: []`, validContainer), want: "spec.services[0].ports"},
		"service's container":   {kind: "Pipeline", spec: service(`name: db, ports: [{port: 5432}]`, `containers: [{name: main, imagee: postgres}]`), want: `unknown field "spec.services[0].template.spec.template.spec.containers[0].imagee"`},
		"service's restarts":    {kind: "Pipeline", spec: service(`name: db, ports: [{port: 5432}]`, `restartPolicy: OnFailure, `+validContainer), want: "restartPolicy must be Never"},
		"notifier":              {kind: "Pipeline", spec: notifier(`phases: [Queued, Running, Succeeded, Failed, Cancelled]`, `{template: {spec: {`+validContainer+`}}}`)},
		"notifier's phase":      {kind: "Pipeline", spec: notifier(`phases: [Broken]`, `{template: {spec: {`+validContainer+`}}}`), want: "spec.notifiers[0].phases[0]: Unsupported value"},
		"notifier's phases":     {kind: "Pipeline", spec: notifier(`phases: []`, `{template: {spec: {`+validContainer+`}}}`), want: "spec.notifiers[0].phases"},
		"notifier's ttl":        {kind: "Pipeline", spec: notifier(`phases: [Failed]`, `{ttlSecondsAfterFinished: 1, template: {spec: {`+validContainer+`}}}`), want: "ttlSecondsAfterFinished, suspend and selector are refused"},
		"notifier's container":  {kind: "Pipeline", spec: notifier(`phases: [Failed]`, `{template: {spec: {containers: [{name: main, imagee: chat}]}}}`), want: `unknown field "spec.notifiers[0].template.spec.template.spec.containers[0].imagee"`},
		"a phase's parameter":   {kind: "Pipeline", spec: `{params: [{name: job_test_phase}], jobs: [` + validJob + `]}`, want: "this name is reserved"},
		"notifier's parameter":  {kind: "Pipeline", spec: `{params: [{name: notify_url}], jobs: [` + validJob + `]}`, want: "this name is reserved"},
		"workspace":             {kind: "Pipeline", spec: workspace(`mountPath: /src`, `{}`, `resources: {requests: {storage: 1Gi}}`)},
		"workspace's path":      {kind: "Pipeline", spec: workspace(`mountPath: /src/..`, `{}`, `resources: {requests: {storage: 1Gi}}`), want: "mountPath must be an absolute path"},
		"workspace's name":      {kind: "Pipeline", spec: workspace(`mountPath: /src`, `{name: mine}`, `resources: {requests: {storage: 1Gi}}`), want: "name, namespace and finalizers are refused"},
		"workspace's size":      {kind: "Pipeline", spec: workspace(`mountPath: /src`, `{}`, `storageClassName: fast`), want: "a workspace says how large it is"},

		"trigger":            {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: github, secretRef: {name: s}, events: [push], branches: [main]}}`},
		"no webhook":         {kind: "Trigger", spec: `{pipeline: web}`, want: "a Trigger has exactly one source of Runs"},
		"provider":           {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: sourceforge, secretRef: {name: s}}}`, want: `supported values: "generic", "github", "gitlab", "gitea"`},
		"filters":            {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: github, secretRef: {name: s}, events: [push, pull_request], actions: [labeled], branches: [main], tags: ["v*"], paths: ["src/**"], pathsIgnore: ["*.md"], labels: [ci], drafts: Ignore}}`},
		"generic's drafts":   {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: generic, secretRef: {name: s}, drafts: Run}}`, want: "of the filters a generic webhook has only `if`"},
		"a host's each":      {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: github, secretRef: {name: s}, each: body.commits}}`, want: "each and delivery are for generic webhooks"},
		"a host's delivery":  {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: gitlab, secretRef: {name: s}, delivery: body.id}}`, want: "each and delivery are for generic webhooks"},
		"generic's branches": {kind: "Trigger", spec: `{pipeline: web, webhook: {provider: generic, secretRef: {name: s}, branches: [main]}}`, want: "of the filters a generic webhook has only `if`"},

		"configrepo":      {kind: "ConfigRepo", spec: `{url: "https://git.example.com/acme/pipelines.git", interval: 30s}`},
		"file url":        {kind: "ConfigRepo", spec: `{url: "file:///etc"}`, want: "url must begin with https://, http://, ssh:// or git:// and name a host"},
		"password in url": {kind: "ConfigRepo", spec: `{url: "https://me:password@git.example.com/x"}`, want: "url must not hold a password"},
		"token in url":    {kind: "ConfigRepo", spec: `{url: "https://token@git.example.com/x"}`, want: "url must not hold a user name"},
		"ssh user in url": {kind: "ConfigRepo", spec: `{url: "ssh://git@git.example.com/x"}`},
		"two refs":        {kind: "ConfigRepo", spec: `{url: "https://git.example.com/x", ref: {branch: a, tag: b}}`, want: "ref takes one of branch, tag and commit"},
		"path out":        {kind: "ConfigRepo", spec: `{url: "https://git.example.com/x", path: a/../..}`, want: "path must be relative and must not contain '..'"},
		"interval":        {kind: "ConfigRepo", spec: `{url: "https://git.example.com/x", interval: 1s}`, want: "interval must be at least 10s"},

		"run":              {kind: "Run", spec: `{pipeline: web, params: {git_sha: abc}}`},
		"run of a path":    {kind: "Run", spec: `{pipeline: ../web}`, want: "spec.pipeline"},
		"path as revision": {kind: "Run", spec: `{pipeline: web, revision: ../web-1}`, want: "spec.revision"},
		"run of nothing":   {kind: "Run", spec: `{pipeline: ""}`, want: "spec.pipeline"},
		"retry":            {kind: "Run", spec: `{pipeline: web, retryOf: web-1}`},
		"retry of a path":  {kind: "Run", spec: `{pipeline: web, retryOf: ../web-1}`, want: "spec.retryOf"},
		"run's long name":  {kind: "Run", name: strings.Repeat("x", 64), spec: `{pipeline: web}`, want: "metadata.name must be a DNS label of at most 63 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			c := client.NewDryRunClient(newClient(t, serverConfig(t)))
			obj := object(t, tc.kind, tc.name, tc.spec)
			err := client.WithFieldValidation(c, metav1.FieldValidationStrict).Create(t.Context(), obj)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && err == nil:
				t.Errorf("accepted, expected %q", tc.want)
			case tc.want != "" && !strings.Contains(err.Error(), tc.want):
				t.Errorf("refused with %q, expected %q", err, tc.want)
			}
		})
	}
}

// TestRunIsFixed shows that nothing of a Run can change but its cancellation and
// its approvals, which can't be taken back.
func TestRunIsFixed(t *testing.T) {
	for name, tc := range map[string]struct{ spec, patch, want string }{
		"retryOf":              {`{pipeline: web, retryOf: a}`, `{retryOf: b}`, "retryOf can't be changed"},
		"retryOf, later":       {`{pipeline: web}`, `{retryOf: b}`, "retryOf can't be changed"},
		"retryOf, no more":     {`{pipeline: web, retryOf: a}`, `{retryOf: null}`, "retryOf can't be changed"},
		"a retry's params":     {`{pipeline: web, retryOf: a}`, `{params: {a: c}, origin: {sha: a}}`, ""},
		"a retry's own params": {`{pipeline: web, retryOf: a, params: {a: b}}`, `{params: {a: c}}`, "params can't be changed"},
		"a retry's own origin": {`{pipeline: web, retryOf: a, origin: {sha: a}}`, `{origin: {sha: b}}`, "origin can't be changed"},
		"params no more":       {`{pipeline: web, params: {a: b}}`, `{params: null}`, "params can't be changed"},
		"pipeline":             {`{pipeline: web}`, `{pipeline: other}`, "pipeline can't be changed"},
		"params":               {`{pipeline: web, params: {a: b}}`, `{params: {a: c}}`, "params can't be changed"},
		"added params":         {`{pipeline: web}`, `{params: {a: c}}`, "params can't be changed"},
		"first revision":       {`{pipeline: web}`, `{revision: web-1}`, ""},
		"another revision":     {`{pipeline: web, revision: web-1}`, `{revision: web-2}`, "revision can't be changed"},
		"origin":               {`{pipeline: web, origin: {sha: a}}`, `{origin: {sha: b}}`, "origin can't be changed"},
		"cancelled":            {`{pipeline: web}`, `{cancelled: true}`, ""},
		"approval":             {`{pipeline: web}`, `{approvals: [{job: a}]}`, ""},
		"second approval":      {`{pipeline: web, approvals: [{job: a}]}`, `{approvals: [{job: a}, {job: b}]}`, ""},
		"approval no more":     {`{pipeline: web, approvals: [{job: a}]}`, `{approvals: [{job: b}]}`, "an approval can't be taken back"},
		"approvals no more":    {`{pipeline: web, approvals: [{job: a}]}`, `{approvals: null}`, "an approval can't be taken back"},
		"approver":             {`{pipeline: web, approvals: [{job: a, by: b}]}`, `{approvals: [{job: a, by: c}]}`, "an approval can't be changed"},
		"time of approval":     {`{pipeline: web, approvals: [{job: a, time: "2026-01-01T00:00:00Z"}]}`, `{approvals: [{job: a}]}`, "an approval can't be changed"},
		"approved twice":       {`{pipeline: web}`, `{approvals: [{job: a}, {job: a}]}`, "Duplicate value"},
		"refusal":              {`{pipeline: web}`, `{approvals: [{job: a, refused: true, message: too late}]}`, ""},
		"refusal said again":   {`{pipeline: web, approvals: [{job: a, refused: true}]}`, `{approvals: [{job: a, refused: true}, {job: b}]}`, ""},
		"refused later":        {`{pipeline: web, approvals: [{job: a}]}`, `{approvals: [{job: a, refused: true}]}`, "an approval or refusal can't be changed"},
		"approved later":       {`{pipeline: web, approvals: [{job: a, refused: true}]}`, `{approvals: [{job: a}]}`, "an approval or refusal can't be changed"},
		"reason of a refusal":  {`{pipeline: web, approvals: [{job: a, refused: true, message: too late}]}`, `{approvals: [{job: a, refused: true}]}`, "an approval or refusal can't be changed"},
		"cancelled no more":    {`{pipeline: web, cancelled: true}`, `{cancelled: false}`, "a cancelled Run can't be resumed"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serverConfig(t))
			run := object(t, "Run", "", tc.spec)
			run.SetNamespace(newNamespace(t, c))
			if err := c.Create(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			patch, err := yaml.YAMLToJSON([]byte(`{spec: ` + tc.patch + `}`))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Patch(t.Context(), run, client.RawPatch("application/merge-patch+json", patch))
			if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("patch answered %v, expected %q", err, tc.want)
			}
		})
	}
}

// TestStartedRetryIsFixed shows that what a retry takes can't come any more when
// it has a status.
func TestStartedRetryIsFixed(t *testing.T) {
	c := newClient(t, serverConfig(t))
	run := newRun(newNamespace(t, c), "retry")
	run.Spec.RetryOf = "first"
	if err := c.Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	run.Status.Phase = v1alpha1.RunQueued
	if err := c.Status().Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ patch, want string }{
		{`{"params":{"a":"b"}}`, "params can't be changed"}, {`{"origin":{"sha":"a"}}`, "origin can't be changed"},
	} {
		err := c.Patch(t.Context(), run.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":`+tc.patch+`}`)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: answered %v, expected %q", tc.patch, err, tc.want)
		}
	}
}

func object(t *testing.T, kind, name, spec string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(`{apiVersion: kayci.dev/v1alpha1, kind: `+kind+`, metadata: {}, spec: `+spec+`}`), obj); err != nil {
		t.Fatal(err)
	}
	obj.SetNamespace(metav1.NamespaceDefault)
	if obj.SetName("x"); name != "" {
		obj.SetName(name)
	}
	return obj
}
