package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kayci/kayci/api/v1alpha1"
	local "github.com/kayci/kayci/test/cluster"
)

// benchImage has this program in it.
const benchImage = "kayci.local/bench:dev"

// logs reads logs of real containers, on the local cluster. Without that it does nothing.
func (b *bench) logs(ctx context.Context, dir string) (err error) {
	found, missing := local.Find(ctx, local.Options{Source: b.source, Progress: local.NewProgress(os.Stderr)})
	if missing != nil {
		progress("logs: SKIPPED, as it reads logs of real containers and the local cluster doesn't run: `make local-up` starts it")
		return nil
	}
	c := &cluster{client: found.Client, config: found.Config, kubeconfig: found.Kubeconfig, logs: dir}
	if err := b.prepare(ctx, c, dir); err != nil {
		return err
	}
	defer func() {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: runsNamespace}}
		err = errors.Join(err, c.client.Delete(context.WithoutCancel(ctx), namespace))
	}()
	if err := b.withSite(ctx, c, func(s *site) error { return b.arrivals(ctx, s) }); err != nil {
		return err
	}
	progress("logs: `kayci logs` and `kubectl logs` of %d lines, %d times", b.sizes.lines, b.sizes.pairs)
	pod, err := printing(ctx, c, "large", func(s *corev1.ContainerStatus) bool { return s.State.Terminated != nil }, "-lines="+strconv.Itoa(b.sizes.lines))
	if err != nil {
		return err
	}
	return b.compareLogs(ctx, "logs/read", logReader{
		kayci: b.kayci, kubectl: filepath.Join(found.Programs(), "kubectl"), kubeconfig: c.kubeconfig,
		namespace: runsNamespace, run: "large", pod: pod, lines: b.sizes.lines,
	})
}

// prepare gives the local cluster KayCI's kinds, a namespace and this program's image.
func (b *bench) prepare(ctx context.Context, c *cluster, dir string) error {
	if _, err := envtest.InstallCRDs(c.config, envtest.CRDInstallOptions{
		Paths: []string{filepath.Join(b.source, "charts", "kayci", "files", "crds")}, ErrorIfPathMissing: true,
	}); err != nil {
		return fmt.Errorf("install KayCI's kinds: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := b.loadImage(ctx, dir, program, benchImage); err != nil {
		return err
	}
	return c.namespace(ctx, runsNamespace)
}

// loadImage has the local cluster know a program by the name of an image.
func (b *bench) loadImage(ctx context.Context, dir, program, name string) error {
	image := filepath.Join(dir, "image.tar")
	for _, args := range [][]string{
		{"image", "kayci", "--binary", program, "--tag", name, "--output", image},
		{"load", image},
	} {
		args = append([]string{"run", "-C", filepath.Join(b.source, "local"), "."}, args...)
		if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("load %s into the local cluster: %w\n%s", name, err, out)
		}
	}
	return nil
}

// arrivals has a container print the time, and sees when that arrives at a viewer.
func (b *bench) arrivals(ctx context.Context, s *site) error {
	progress("logs: %d lines from a container to a viewer", b.sizes.delays)
	_, err := printing(ctx, s.cluster, "delays", func(s *corev1.ContainerStatus) bool { return s.State.Running != nil },
		"-lines="+strconv.Itoa(b.sizes.delays), "-every="+tenth.String())
	if err != nil {
		return err
	}
	token, err := s.token(ctx)
	if err != nil {
		return err
	}
	var delays []time.Duration
	// What was printed before would arrive late by that.
	opened := time.Now().Add(time.Second)
	err = s.follow(ctx, http.DefaultClient, token, "delays", func(line framed) {
		nanos, err := strconv.ParseInt(string(line.text), 10, 64)
		if printed := time.Unix(0, nanos); err == nil && printed.After(opened) {
			delays = append(delays, time.Since(printed))
		}
	})
	if err != nil {
		return err
	}
	if len(delays) == 0 {
		return errors.New("no line has arrived that was printed while it was awaited: print more by -delays")
	}
	b.line("logs/delay/lines", float64(len(delays)), "lines")
	b.delays("logs/delay", delays)
	return nil
}

// printing makes a Run whose job prints in a real container, and waits until that is in
// a state. It returns the pod's name.
func printing(ctx context.Context, c *cluster, run string, is func(*corev1.ContainerStatus) bool, args ...string) (string, error) {
	job, err := runThatPrints(ctx, c, run, false)
	if err != nil {
		return "", err
	}
	labels := map[string]string{v1alpha1.RunLabel: run, v1alpha1.JobLabel: printJob}
	never := int32(0)
	object := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: runsNamespace, Name: job}, Spec: batchv1.JobSpec{
		BackoffLimit: &never,
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "main", Image: benchImage, ImagePullPolicy: corev1.PullNever, Args: append([]string{printCommand}, args...)}},
		}},
	}}
	if err := c.client.Create(ctx, object); err != nil {
		return "", fmt.Errorf("make a Job: %w", err)
	}
	name := ""
	err = c.await(ctx, "a container prints", time.Minute, func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		if err := c.client.List(ctx, &pods, client.InNamespace(runsNamespace), client.MatchingLabels(labels)); err != nil {
			return false, err
		}
		for i := range pods.Items {
			for j := range pods.Items[i].Status.ContainerStatuses {
				name = pods.Items[i].Name
				if is(&pods.Items[i].Status.ContainerStatuses[j]) {
					return true, nil
				}
			}
		}
		return false, nil
	})
	return name, err
}
