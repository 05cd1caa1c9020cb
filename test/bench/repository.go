package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metameta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/githost"
)

// entryFile is an entry file of the repository: Pipelines of two jobs each.
const entryFile = `local ci = import 'kayci.libsonnet';
[
  ci.pipeline('pipeline-%d-' + i, params=['git_sha'], jobs=[
    ci.job('test', ci.script('golang:1.26', 'go test ./... # %s')),
    ci.job('build', ci.script('golang:1.26', 'go build ./...'), needs=['test']),
  ])
  for i in std.range(1, %d)
]
`

// repository is a git repository that a ConfigRepo is about.
type repository struct {
	cluster *cluster
	kayci   *kayci
	git     *githost.Repository
	object  *v1alpha1.ConfigRepo
}

// sync has a config repository of many files synced, and then a push that
// changes one of them.
func (b *bench) sync(ctx context.Context, c *cluster) error {
	const floorNamespace = "floor"
	if err := c.namespace(ctx, floorNamespace); err != nil {
		return err
	}
	each := b.pipelines / b.files
	floors := map[int]floorUse{}
	for _, count := range []int{b.pipelines, each} {
		progress("sync: the floor program applies %d Pipelines", count)
		use, err := runFloor(ctx, c, "-namespace="+floorNamespace, "-pipelines", "-count="+strconv.Itoa(count))
		if err != nil {
			return err
		}
		floors[count] = use
	}
	return b.withRepository(ctx, c, func(r *repository) error {
		for file := range b.files {
			if err := r.write(file, each, "first"); err != nil {
				return err
			}
		}
		if err := b.commit(ctx, r, "sync/first", floors[b.pipelines]); err != nil {
			return err
		}
		if err := r.write(b.files/2, each, "second"); err != nil {
			return err
		}
		return b.commit(ctx, r, "sync/push", floors[each])
	})
}

// commit pushes what was written and prints what its sync takes.
func (b *bench) commit(ctx context.Context, r *repository, name string, floor floorUse) error {
	commit, err := r.git.Push(ctx, name)
	if err != nil {
		return err
	}
	progress("%s: the commit %.7s", name, commit)
	before, err := r.kayci.sample(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := r.request(ctx); err != nil {
		return err
	}
	if err := r.applied(ctx, commit); err != nil {
		return err
	}
	seconds := time.Since(begin).Seconds()
	if err := r.cluster.settle(ctx, r.kayci.Process); err != nil {
		return err
	}
	after, err := r.kayci.sample(ctx)
	if err != nil {
		return err
	}
	took := after.since(before)
	b.against(name+"/wall", seconds, floor.Seconds, "s")
	b.against(name+"/cpu", took.kayci.all().Seconds(), floor.cpu.Seconds(), "s")
	b.line(name+"/evaluation-cpu", took.kayci.children.Seconds(), "s")
	b.against(name+"/apiserver-cpu", took.server.own.Seconds(), floor.server.Seconds(), "s")
	b.against(name+"/requests", took.total(), sample{requests: floor.Requests}.total(), "requests")
	b.each(name+"/requests/by-method", took.requests, 1, "requests")
	return nil
}

// withRepository has a git server and the program run meanwhile.
func (b *bench) withRepository(ctx context.Context, c *cluster, work func(*repository) error) (err error) {
	served := filepath.Join(c.logs, "git")
	if err := os.Mkdir(served, 0o700); err != nil {
		return err
	}
	host, err := githost.Start(ctx, served, "127.0.0.1:0", githost.Credentials{Username: "git", Password: rand.Text()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Stop(context.WithoutCancel(ctx))) }()
	git, err := host.Create(ctx, "pipelines", filepath.Join(c.logs, "clone"))
	if err != nil {
		return err
	}
	const namespace = "repository"
	if err := c.namespace(ctx, namespace); err != nil {
		return err
	}
	return b.withKayCI(ctx, c, func(k *kayci) error {
		return work(&repository{cluster: c, kayci: k, git: git, object: &v1alpha1.ConfigRepo{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pipelines"},
			// It is looked at when it is asked for alone.
			Spec: v1alpha1.ConfigRepoSpec{URL: git.URL, Interval: &metav1.Duration{Duration: 24 * time.Hour}},
		}})
	})
}

// write puts an entry file into the next commit.
func (r *repository) write(file, pipelines int, text string) error {
	return r.git.Write(map[string]string{
		fmt.Sprintf("file-%d.jsonnet", file): fmt.Sprintf(entryFile, file, text, pipelines),
	})
}

// request asks for a look now: the first one makes the ConfigRepo.
func (r *repository) request(ctx context.Context) error {
	if r.object.UID == "" {
		return r.cluster.client.Create(ctx, r.object)
	}
	before := r.object.DeepCopy()
	metav1.SetMetaDataAnnotation(&r.object.ObjectMeta, meta.ReconcileRequestAnnotation, time.Now().Format(time.RFC3339Nano))
	return r.cluster.client.Patch(ctx, r.object, client.MergeFrom(before))
}

// applied waits until the commit is.
func (r *repository) applied(ctx context.Context, commit string) error {
	return r.cluster.await(ctx, "the commit is applied", 10*time.Minute, func(ctx context.Context) (bool, error) {
		if err := r.kayci.Alive(); err != nil {
			return false, err
		}
		if err := r.cluster.client.Get(ctx, client.ObjectKeyFromObject(r.object), r.object); err != nil {
			return false, err
		}
		status := &r.object.Status
		if ready := metameta.FindStatusCondition(status.Conditions, meta.ReadyCondition); ready != nil && ready.Status == metav1.ConditionFalse {
			return false, fmt.Errorf("the ConfigRepo is not ready: %s: %s", ready.Reason, ready.Message)
		}
		return strings.HasSuffix(status.LastAppliedRevision, commit), nil
	})
}

// floorPipeline is one of the Pipelines that an entry file holds, to apply.
func floorPipeline(namespace string, number int) (*unstructured.Unstructured, error) {
	p := &v1alpha1.Pipeline{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.PipelineKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("pipeline-%d", number)},
	}
	p.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}}
	p.Spec.Jobs = []v1alpha1.Job{chainJob("test", ""), chainJob("build", "test")}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(p)
	if err != nil {
		return nil, err
	}
	delete(content, "status")
	return &unstructured.Unstructured{Object: content}, nil
}
