package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// printJob is the job of the Runs whose logs are read, and largeLog the container of
	// one with a large log.
	printJob, largeLog = "print", "large"
)

// pageSizes are those of what is measured of the page and of logs.
type pageSizes struct {
	runs, looks, followers, perSecond int
	lines, pairs, delays              int
	followed                          time.Duration
}

func (p *pageSizes) flags(flags *flag.FlagSet) {
	flags.IntVar(&p.runs, "page-runs", 20, "page: finished Runs of the namespace that is looked at")
	flags.IntVar(&p.looks, "looks", 20, "page: how often each page is looked at")
	flags.IntVar(&p.followers, "followers", 10, "page: viewers who follow a log, 500 at most")
	flags.IntVar(&p.perSecond, "lines", 100, "page: lines that each of those logs gets in a second")
	flags.DurationVar(&p.followed, "followed", 5*time.Second, "page: how long they follow it")
	flags.IntVar(&p.lines, "log-lines", 30_000, "page, logs: lines of 104 bytes of the log that is read whole")
	flags.IntVar(&p.pairs, "pairs", 3, "page, logs: how often it is read by each program")
	flags.IntVar(&p.delays, "delays", 50, "logs: lines that are printed, one each tenth of a second, to see when they arrive")
}

func (p *pageSizes) check() error {
	if min(p.runs, p.looks, p.followers, p.perSecond, p.lines, p.pairs, p.delays) < 1 || p.followers > 500 {
		return errors.New("sizes of the page must be at least 1, and followers 500 at most")
	}
	return nil
}

// page has viewers look at the page and follow logs of a simulated node.
func (b *bench) page(ctx context.Context, c *cluster) error {
	if err := b.script(); err != nil {
		return err
	}
	err := b.withRuns(ctx, c, func(k *kayci, r *runs) error {
		if err := r.keep(ctx, b.sizes.runs); err != nil {
			return err
		}
		return c.settle(ctx, k.Process)
	})
	if err != nil {
		return err
	}
	if err := b.withSite(ctx, c, func(s *site) error { return b.looks(ctx, s) }); err != nil {
		return err
	}
	// They would end what the other node has.
	if err := c.stopControllers(); err != nil {
		return err
	}
	n, err := startNode(ctx, c, b.sizes.perSecond, b.sizes.lines)
	if err != nil {
		return err
	}
	defer n.Close()
	if err := b.withSite(ctx, c, func(s *site) error { return b.followers(ctx, s) }); err != nil {
		return err
	}
	const run = "large"
	if err := printed(ctx, c, run, largeLog, true); err != nil {
		return err
	}
	progress("page: `kayci logs` and `kubectl logs` of %d lines, %d times", b.sizes.lines, b.sizes.pairs)
	return b.compareLogs(ctx, "page/logs", logReader{
		kayci: b.kayci, kubectl: filepath.Join(c.assets(), "kubectl"), kubeconfig: c.kubeconfig,
		namespace: runsNamespace, run: run, pod: run + "-" + printJob, lines: b.sizes.lines,
	})
}

// withSite has the page run meanwhile.
func (b *bench) withSite(ctx context.Context, c *cluster, work func(*site) error) (err error) {
	s, err := startSite(ctx, c, b.kayci, runsNamespace)
	if s == nil || s.Process == nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\nthe page's log ends with:\n%s", err, s.Tail())
		}
		err = errors.Join(err, s.Stop())
	}()
	if err != nil {
		return err
	}
	return work(s)
}

// script prints how large the page's script is.
func (b *bench) script() error {
	script, err := os.ReadFile(filepath.Join(b.source, "web", "static", "dist", "app.js"))
	if err != nil {
		return fmt.Errorf("read the page's script: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(script); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	b.line("page/script", float64(len(script)), "B")
	b.line("page/script/gzip", float64(packed.Len()), "B")
	return nil
}

// looks has one viewer after the other look at Runs and at their list: for the first
// time, when nothing is known of the viewer's rights, and again.
func (b *bench) looks(ctx context.Context, s *site) error {
	progress("page: %d looks at a Run of %d, and as many at their list", b.sizes.looks, b.sizes.runs)
	known, err := s.token(ctx)
	if err != nil {
		return err
	}
	list := "/ns/" + runsNamespace
	run := func(i int) string { return fmt.Sprintf("%s/runs/run-%d", list, i%b.sizes.runs) }
	for _, page := range []struct {
		name  string
		path  func(int) string
		first bool
	}{
		{"page/run/first-look", run, true},
		{"page/run/again", run, false},
		{"page/list/first-look", func(int) string { return list }, true},
		{"page/list/again", func(int) string { return list }, false},
	} {
		before, err := s.requests(ctx)
		if err != nil {
			return err
		}
		var took []time.Duration
		for i := range b.sizes.looks {
			token := known
			if page.first {
				if token, err = s.token(ctx); err != nil {
					return err
				}
			}
			first, err := s.look(ctx, http.DefaultClient, token, page.path(i))
			if err != nil {
				return err
			}
			took = append(took, first)
		}
		after, err := s.requests(ctx)
		if err != nil {
			return err
		}
		b.delays(page.name+"/first-byte", took)
		b.line(page.name+"/requests", (after-before)/float64(b.sizes.looks), "requests")
	}
	return nil
}

// printed makes a Run whose one job prints on the node, or has printed.
func printed(ctx context.Context, c *cluster, run, container string, ended bool) error {
	job, err := runThatPrints(ctx, c, run, ended)
	if err != nil {
		return err
	}
	owner := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: job, UID: "none"}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: runsNamespace, Name: job,
			Labels:          map[string]string{v1alpha1.RunLabel: run, v1alpha1.JobLabel: printJob},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: corev1.PodSpec{NodeName: printingNode, Containers: []corev1.Container{{Name: container, Image: "busybox:1.37"}}},
	}
	if err := c.client.Create(ctx, pod); err != nil {
		return fmt.Errorf("make a pod: %w", err)
	}
	now := metav1.Now()
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	pod.Status.Phase = corev1.PodRunning
	if ended {
		pod.Status.Phase = corev1.PodSucceeded
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: now, FinishedAt: now}}
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: container, State: state}}
	return c.client.Status().Update(ctx, pod)
}

// runThatPrints makes a Run of one job, and returns the name of its Job, which isn't made.
func runThatPrints(ctx context.Context, c *cluster, name string, ended bool) (string, error) {
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: runsNamespace, Name: name}, Spec: v1alpha1.RunSpec{Pipeline: pipelineName}}
	if err := c.client.Create(ctx, run); err != nil {
		return "", fmt.Errorf("make a Run: %w", err)
	}
	now := metav1.Now()
	job := v1alpha1.JobStatus{Name: printJob, Job: name + "-" + printJob, Phase: v1alpha1.JobRunning, StartTime: &now}
	run.Status.Phase, run.Status.StartTime = v1alpha1.RunRunning, &now
	if ended {
		job.Phase, job.CompletionTime = v1alpha1.JobSucceeded, &now
		run.Status.Phase, run.Status.CompletionTime = v1alpha1.RunSucceeded, &now
	}
	run.Status.Jobs = []v1alpha1.JobStatus{job}
	if err := c.client.Status().Update(ctx, run); err != nil {
		return "", fmt.Errorf("have a Run print: %w", err)
	}
	return job.Job, nil
}
