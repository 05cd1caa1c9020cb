package canary

// objects are valid ones, of which each field that KayCI has stands in one. What stands
// behind the kind tells those of one kind apart.
//
//nolint:gochecknoglobals // Constant: Go has no constant maps.
var objects = map[string]string{
	"ConfigRepo": `
apiVersion: kayci.dev/v1alpha1
kind: ConfigRepo
metadata: {name: x, namespace: default, labels: {a: b}, annotations: {a: b}}
spec:
  url: https://git.example.com/acme/pipelines.git
  ref: {branch: main}
  path: ci
  interval: 5m
  timeout: 1m
  secretRef: {name: git}
  vars: {registry: registry.example.com}
`,
	"Pipeline": `
apiVersion: kayci.dev/v1alpha1
kind: Pipeline
metadata: {name: x, namespace: default, labels: {a: b}, annotations: {a: b}}
spec:
  params:
  - {name: stage, description: where to, default: test, enum: [test, production], pattern: "[a-z]+"}
  jobs:
  - name: test
    template:
      metadata: {labels: {a: b}, annotations: {a: b}}
      spec:
        template:
          metadata: {labels: {a: b}, annotations: {a: b}}
          spec:
            serviceAccountName: builder
            containers:
            - name: main
              image: busybox
              command: [sh, -c, "true"]
              args: [a]
              workingDir: /src
              env: [{name: TOKEN, value: secret}]
              envFrom: [{prefix: A_, secretRef: {name: s}}]
              volumeMounts: [{name: v, mountPath: /v, subPathExpr: a}]
              readinessProbe: {exec: {command: [a]}}
              lifecycle: {preStop: {exec: {command: [a]}}}
              resources: {limits: {memory: 1Gi}}
            volumes: [{name: v, emptyDir: {}}]
  - name: deploy
    needs: [test]
    if: success()
    timeout: 1h
    approval: {message: "Now?", timeout: 1h}
    template: &small {spec: {template: {spec: {containers: [{name: main, image: busybox}]}}}}
  services:
  - {name: db, ports: [{name: main, port: 1}], template: *small}
  workspace:
    mountPath: /shared
    volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}}
  concurrency: {key: params.stage, group: stages, policy: Queue}
  timeout: 1h
  pendingTimeout: 1h
  retention: {minAge: 1h, maxAge: 24h}
  notifiers:
  - {name: chat, phases: [Failed], template: *small}
`,
	"Run": `
apiVersion: kayci.dev/v1alpha1
kind: Run
metadata: {name: x, namespace: default, labels: {a: b}, annotations: {a: b}}
spec:
  pipeline: web
  revision: web-1
  retryOf: other
  params: {stage: test}
  origin: {trigger: push, provider: github, delivery: a, repository: acme/web, sha: a, ref: refs/heads/main, branch: main, tag: v1, title: a, author: a, url: "https://git.example.com", sender: a}
  approvals: [{job: deploy, by: me, message: Sure}]
`,
	"Trigger": `
apiVersion: kayci.dev/v1alpha1
kind: Trigger
metadata: {name: x, namespace: default, labels: {a: b}, annotations: {a: b}}
spec:
  pipeline: web
  webhook:
    provider: github
    secretRef: {name: hook}
    events: [push]
    branches: [main]
    if: body.token == 'secret'
  report: {provider: gitea, api: "https://git.example.com/api/v1", secretRef: {name: token}, context: ci/web, url: "https://ci.example.com/{run}"}
  params: {sha: event.sha}
`,
	"Trigger generic": `
apiVersion: kayci.dev/v1alpha1
kind: Trigger
metadata: {name: x, namespace: default}
spec:
  pipeline: web
  webhook: {provider: generic, secretRef: {name: hook}, each: "[{'token': body.token}]", delivery: body.token}
`,
}
