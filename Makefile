# Everything that is done to this repository, by a person or by CI, is a target
# here; `make help` lists them. A fresh machine needs Go, gcc, git and make. The
# tools are Go modules pinned under tools/, built once into a cache outside the
# tree.

ifeq ($(filter oneshell,$(.FEATURES)),)
$(error This Makefile needs GNU make 4; on macOS: brew install make, then gmake)
endif

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

GO ?= go
CACHE := $(or $(KAYCI_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kayci)
BIN := $(CURDIR)/bin
IMAGE ?= $(BIN)/kayci.tar
GIT_IMAGE ?= $(BIN)/kayci-git.tar

# What `kayci --version` says. Blank: what Go derives from the commit. The image's
# name ends in it, and Docker's build sees no commit: it has to be told.
VERSION ?=
REVISION ?= $(shell git rev-parse --verify --quiet HEAD)
LDFLAGS = $(if $(VERSION),-X main.version=$(VERSION) -X main.revision=$(REVISION))

# How long each fuzz test goes on: 5000x is so many inputs, 10m so many minutes. Go before
# 1.27 may report the end of a time as a failure, the end of a count never (golang/go#75804).
# Beyond that of `make test`, Go finds its way by what is covered, for which it compiles
# everything anew.
FUZZTIME ?= 5000x
GUIDED := $(if $(filter 5000x,$(FUZZTIME)),,-fuzz .)
STARTED := $(shell date +%s)

# A change of a pinned version or of Go gives the tools a folder of their own.
TOOLS := $(CACHE)/tools/$(shell { cat tools/go.* tools/*/go.*; $(GO) env GOVERSION GOOS GOARCH; } | git hash-object --stdin | cut -c1-12)

# One set of flags, so that linting, testing and building share what Go has
# compiled. Only the race detector needs another. `make lint` has all checks of
# go vet: with each set of flags `go test` would repeat some, on every dependency.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(GOFLAGS) -trimpath -vet=off)

# Modules with code of their own. Those below local/ each hold one large program
# built from its modules, Kubernetes for one.
MODULES := $(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path './tools/*'))
LARGE := $(filter ./local/%,$(MODULES))
SMALL := $(filter-out $(LARGE),$(MODULES))

# Packages whose tests need more than Go: an API server, helm, a cluster, a git host.
API_TESTS := ./test/api/...
CHART_TESTS := ./test/chart/...
E2E_TESTS := ./test/e2e/... ./test/gitea/... ./test/demo/...

LOCAL := $(GO) run -C local .
GOTESTSUM := $(TOOLS)/gotestsum --format-hide-empty-pkg

# $(call begin,target,what it does) is the first line of a recipe: it says what
# is going to happen, and at the end how long it took. The folder $$scratch goes
# when the recipe ends, and what a recipe puts into cleanup is done then.
define begin
scratch=$$(mktemp -d)
cleanup() { :; }
finish() { status=$$?; cleanup || status=1; rm -rf "$$scratch"; [ $$status = 0 ] && end=done || end=FAILED; echo "==> $(1): $$end after $${SECONDS}s"; exit $$status; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "==> $(1): $(2)"
endef

##@ Everyday

.PHONY: help
help: ## List every target.
	@awk -F ':.*## ' '
	  BEGIN                  { print "Usage: make <target>" }
	  /^##@ /                { printf "\n%s\n", substr($$0, 5) }
	  /^[a-z][a-z0-9-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }
	' Makefile

.PHONY: build
build: ## Build the kayci program into bin/.
	@$(call begin,build,kayci into bin/)
	$(GO) build -ldflags "$(LDFLAGS)" -o $(BIN)/kayci ./cmd/kayci

.PHONY: image
image: ## Build KayCI's container images, without and with git, as tars into bin/, without Docker.
	@$(call begin,image,KayCI's container images into $(IMAGE) and $(GIT_IMAGE))
	GOOS=linux $(GO) build -ldflags "$(LDFLAGS)" -o $(BIN)/image/kayci ./cmd/kayci
	$(LOCAL) image kayci --binary $(BIN)/image/kayci --output $(abspath $(IMAGE))
	$(LOCAL) image kayci-git --binary $(BIN)/image/kayci --output $(abspath $(GIT_IMAGE))

.PHONY: docker-image
docker-image: ## Build these images with Docker, the second with -git behind its tag: REPOSITORY=registry.example.com/kayci VERSION=0.1.0
	@$(call begin,docker-image,$(REPOSITORY):$(VERSION))
	[ -n "$(REPOSITORY)" ] && [ -n "$(VERSION)" ] || { echo 'Say REPOSITORY=registry.example.com/kayci VERSION=0.1.0'; exit 2; }
	docker build --build-arg=VERSION=$(VERSION) --build-arg=REVISION=$(REVISION) --tag=$(REPOSITORY):$(VERSION) .
	docker build --build-arg=VERSION=$(VERSION) --build-arg=REVISION=$(REVISION) --target=git --tag=$(REPOSITORY):$(VERSION)-git .

.PHONY: demo
demo: build $(TOOLS)/helm ## Show KayCI at work on the local cluster, from a push to a finished Run.
	@$(call begin,demo,a local cluster with KayCI and Gitea and a push that starts a Run)
	PATH="$(TOOLS):$$PATH" $(GO) run ./test/demo up

.PHONY: demo-down
demo-down: $(TOOLS)/helm ## Remove what `make demo` started.
	@$(call begin,demo-down,removing the demo)
	PATH="$(TOOLS):$$PATH" $(GO) run ./test/demo down

.PHONY: clean
clean: ## Remove what was built into this tree; the caches outside it stay.
	@rm -rf $(BIN)
	echo 'Removed bin/. Tools and cluster components stay in $(CACHE).'

##@ Code

# $(call generate-into,folder) generates every file that isn't written by hand.
define generate-into
mkdir -p $(1)/api/v1alpha1 $(1)/charts/kayci/files/crds $(1)/docs/reference
$(TOOLS)/controller-gen paths=./api/v1alpha1 object crd:generateEmbeddedObjectMeta=true \
  output:object:dir=$(1)/api/v1alpha1 output:crd:dir=$(1)/charts/kayci/files/crds
pipelines=$(1)/charts/kayci/files/crds/kayci.dev_pipelines.yaml
$(GO) run ./cmd/crds < $$pipelines > $$pipelines.new
mv $$pipelines.new $$pipelines
$(TOOLS)/crd-ref-docs --log-level=ERROR --renderer=markdown --source-path=api/v1alpha1 \
  --config=docs/reference/config.yaml --templates-dir=docs/reference/templates --output-path=$(1)/docs/reference/api.md
$(GO) run ./cmd/kayci reference > $(1)/docs/reference/cli.md
$(TOOLS)/esbuild web/static/src/app.ts --bundle --minify --charset=ascii --target=es2022 --log-level=warning --outfile=$(1)/web/static/dist/app.js
endef

.PHONY: generate
generate: $(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs $(TOOLS)/esbuild ## Generate deepcopy code, CRDs, the references of the API and of the commands, and the page's script.
	@$(call begin,generate,deepcopy code and CRDs and the references and the page's script)
	$(call generate-into,$$scratch)
	rm -rf charts/kayci/files/crds
	cp -r $$scratch/. .

.PHONY: verify
verify: $(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs $(TOOLS)/esbuild ## Check that generated files are what `make generate` makes, and go.mod what `go mod tidy` does.
	@$(call begin,verify,are generated files and go.mod up to date?)
	$(call generate-into,$$scratch)
	stale=
	for path in api/v1alpha1/zz_generated.deepcopy.go charts/kayci/files/crds docs/reference/api.md docs/reference/cli.md web/static/dist/app.js; do
	  diff -ruN $$path $$scratch/$$path || stale+=" $$path"
	done
	[ -z "$$stale" ] || { echo "Out of date:$$stale. Run 'make generate' and commit the result."; exit 1; }
	for module in $(SMALL); do
	  (cd $$module && $(GO) mod tidy -diff) || { echo "Out of date: $$module/go.mod. Run 'go mod tidy' there and commit the result."; exit 1; }
	done

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Check style, size limits and likely bugs in every module, and that kayci compiles for Windows.
	@$(call begin,lint,golangci-lint on each module; the first time it takes minutes)
	failed=
	GOOS=windows $(GO) vet ./cmd/kayci || failed=yes
	for module in $(MODULES); do
	  echo "    $$module"
	  (cd $$module && $(TOOLS)/golangci-lint run --config $(CURDIR)/.golangci.yml ./...) || failed=yes
	done
	[ -z "$$failed" ]

.PHONY: lint-fix
lint-fix: $(TOOLS)/golangci-lint ## Let the linters repair what they can.
	@$(call begin,lint-fix,repairing what linters can repair)
	for module in $(SMALL); do
	  (cd $$module && $(TOOLS)/golangci-lint run --fix --config $(CURDIR)/.golangci.yml ./...)
	done

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## Format all Go code.
	@$(call begin,fmt,gofumpt and goimports on every module)
	for module in $(MODULES); do
	  (cd $$module && $(TOOLS)/golangci-lint fmt --config $(CURDIR)/.golangci.yml ./...)
	done

##@ Tests

.PHONY: test
test: verify lint test-unit fuzz test-browser test-api test-chart test-e2e ## Everything below, and verify and lint: what CI runs.
	@echo "==> test: everything passed, $$(($$(date +%s) - $(STARTED)))s in all"

.PHONY: test-unit
test-unit: $(TOOLS)/gotestsum ## Tests that need no cluster.
	@$(call begin,test-unit,tests that need no cluster; the first time it compiles for minutes)
	# At its end the race detector waits for reports: by default a second in each package.
	export CGO_ENABLED=1 GORACE=atexit_sleep_ms=100
	for module in $(filter-out ./test/browser,$(SMALL)); do
	  cd $(CURDIR)/$$module
	  $(GOTESTSUM) --format pkgname -- -race -timeout 10m $$($(GO) list ./... | grep -v '/kayci/test/\(api\|chart\|demo\|e2e\|gitea\)\(/\|$$\)')
	done

# What is found is kept outside the tree, and what fails in the package's testdata.
.PHONY: fuzz
fuzz: ## Fuzz each parser with 5,000 inputs, or for as long as FUZZTIME=10m says.
	@$(call begin,fuzz,each parser for $(FUZZTIME); more than that of a test compiles for minutes first)
	packages=$$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n 1 dirname | sort -u)
	xargs $(if $(GUIDED),-n 1) $(GO) test -c $(GUIDED) -ldflags '-s -w' -o $$scratch/ <<< $$packages
	for package in $$packages; do
	  for name in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$package/*_test.go | cut -d ' ' -f 2); do
	    echo "    $$package $$name"
	    (cd $$package && $$scratch/$${package##*/}.test -test.run "^$$" -test.fuzz "^$$name\$$" -test.fuzztime $(FUZZTIME) -test.fuzzcachedir $(CACHE)/fuzz/$$package > $$scratch/fuzz.log 2>&1) || { cat $$scratch/fuzz.log; exit 1; }
	  done
	done

# The rules by which a page is accessible. npm has them, and checks them by this hash.
AXE_VERSION := 4.14.1
AXE_INTEGRITY := sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==
AXE := $(CACHE)/axe-core-$(AXE_VERSION)/axe.min.js

$(AXE):
	@command -v npm > /dev/null || { echo 'Install npm first: it fetches axe-core, which checks that the page is accessible.'; exit 1; }
	mkdir -p $(@D)
	cd $(@D)
	npm pack --silent axe-core@$(AXE_VERSION) > /dev/null
	[ "sha512-$$(openssl dgst -sha512 -binary axe-core-$(AXE_VERSION).tgz | base64 -w 0)" = "$(AXE_INTEGRITY)" ] || { echo "axe-core $(AXE_VERSION) isn't what it was: its hash differs"; exit 1; }
	tar -xzf axe-core-$(AXE_VERSION).tgz --strip-components=1 --touch package/axe.min.js
	rm axe-core-$(AXE_VERSION).tgz

.PHONY: test-browser
test-browser: $(TOOLS)/gotestsum $(AXE) ## Tests of the page in chromium, which is installed on Debian as root if it isn't there.
	@$(call begin,test-browser,the page in a browser)
	if ! command -v chromium > /dev/null; then
	  [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null || { echo 'Install chromium first.'; exit 1; }
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium fonts-dejavu-core
	fi
	export AXE=$(AXE) KUBEBUILDER_ASSETS=$${KUBEBUILDER_ASSETS:-$$($(LOCAL) assets)}
	cd test/browser
	$(GOTESTSUM) --format testname -- -count=1 -timeout 10m ./... $(if $(UPDATE),-update)

.PHONY: images
images: ## Render the pictures of docs/images from the page, in chromium.
	@$(MAKE) test-browser UPDATE=yes

.PHONY: test-api
test-api: $(TOOLS)/gotestsum ## Tests against a real API server and etcd, and those of the modules that these are built from.
	@$(call begin,test-api,tests against a real API server and etcd; building those takes minutes the first time)
	export KUBEBUILDER_ASSETS=$${KUBEBUILDER_ASSETS:-$$($(LOCAL) assets)}
	for module in $(LARGE); do
	  (cd $$module && $(GOTESTSUM) --format pkgname -- ./...)
	done
	$(GOTESTSUM) --format testname -- -count=1 -timeout 15m $(API_TESTS)

.PHONY: test-chart
test-chart: $(TOOLS)/gotestsum $(TOOLS)/helm $(TOOLS)/helm4 $(TOOLS)/helm-unittest ## Lint and test the chart; an API server must accept its renderings.
	@$(call begin,test-chart,helm lint and helm-unittest and a server-side dry run of the chart)
	export KUBEBUILDER_ASSETS=$${KUBEBUILDER_ASSETS:-$$($(LOCAL) assets)}
	$(TOOLS)/helm lint --strict charts/kayci
	$(TOOLS)/helm-unittest charts/kayci
	PATH="$(TOOLS):$$PATH" $(GOTESTSUM) --format testname -- -count=1 -timeout 15m $(CHART_TESTS)

.PHONY: test-e2e
test-e2e: $(TOOLS)/gotestsum $(TOOLS)/helm ## End-to-end tests with real pods, on the local cluster (yours if it runs), and with a real git host.
	@$(call begin,test-e2e,end-to-end tests with real pods; a local cluster that is not up yet is stopped again)
	$(LOCAL) gitea > /dev/null
	if ! $(LOCAL) status > /dev/null 2>&1; then
	  cleanup() { $(LOCAL) down; }
	  $(LOCAL) up
	fi
	PATH="$(TOOLS):$$PATH" $(GOTESTSUM) --format testname -- -count=1 -timeout 30m $(E2E_TESTS)

.PHONY: bench
bench: ## Measure what KayCI costs beside bare Jobs, on a machine with nothing else to do: BENCH='-run sync' chooses.
	@$(call begin,bench,what KayCI costs beside bare Jobs; this takes about an hour)
	export KUBEBUILDER_ASSETS=$${KUBEBUILDER_ASSETS:-$$($(LOCAL) assets)}
	$(GO) build -C test/bench -o $$scratch/bench .
	$$scratch/bench -source $(CURDIR) -warm-up 65s -burst-runs 300 -rounds 4 -round-runs 500 -kept 2000 -pipelines 1000 -files 100 -deliveries 5000 \
	  -page-runs 200 -looks 300 -followers 100 -followed 60s -log-lines 300000 -pairs 15 -delays 600 -containers 50 -log-size 64 \
	  -job-rounds 10 -job-size 256 $(BENCH)

.PHONY: bench-webhook
bench-webhook: ## Deliver 5,000 signed webhooks, and again while the controller is killed: BENCH='-deliveries 500' chooses.
	@$(MAKE) bench BENCH='-run webhooks $(BENCH)'

##@ Local cluster

.PHONY: local-up
local-up: ## Start a single-node Kubernetes on this machine (Linux, root).
	@$(call begin,local-up,a single-node Kubernetes; building it takes minutes the first time)
	$(LOCAL) up

.PHONY: local-down
local-down: ## Stop the local cluster and remove everything it left on the machine.
	@$(call begin,local-down,stopping the local cluster)
	$(LOCAL) down

.PHONY: local-load
local-load: image ## Build KayCI's images and load them into the local cluster.
	@$(call begin,local-load,loading KayCI's images into the local cluster)
	$(LOCAL) load $(abspath $(IMAGE)) $(abspath $(GIT_IMAGE))

# ---------------------------------------------------------------------------
# Tools: each is one package of the module under tools/ that pins it.

controller-gen = tools sigs.k8s.io/controller-tools/cmd/controller-gen
crd-ref-docs   = tools github.com/elastic/crd-ref-docs
esbuild        = tools/esbuild github.com/evanw/esbuild/cmd/esbuild
gotestsum      = tools gotest.tools/gotestsum
golangci-lint  = tools/lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
helm           = tools/helm helm.sh/helm/v3/cmd/helm
helm4          = tools/helm4 helm.sh/helm/v4/cmd/helm
helm-unittest  = tools/helm github.com/helm-unittest/helm-unittest/cmd/helm-unittest

# Without these, helm takes the cluster of a plain `helm template` for Kubernetes
# 1.20. Its own releases set them to the version of client-go, and so does this.
kube-minor = $(shell sed -n 's|^\tk8s.io/client-go v0\.\([0-9]*\)\..*|\1|p' tools/helm/go.mod)
helm-ldflags = $(foreach package,pkg/chartutil pkg/lint/rules,-X helm.sh/helm/v3/$(package).k8sVersionMajor=1 -X helm.sh/helm/v3/$(package).k8sVersionMinor=$(kube-minor))

$(TOOLS)/%:
	@echo '==> $*: building it from source into $(TOOLS), once; this can take minutes'
	$(GO) build -C $(firstword $($*)) -buildvcs=false \
	  -ldflags '-s -w $(if $(filter tools/helm,$($*)),$(helm-ldflags))' -o $@.$$$$ $(lastword $($*))
	mv $@.$$$$ $@
