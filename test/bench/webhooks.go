package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/webhook"
)

const (
	webhooksScenario = "webhooks"
	triggerName      = "push"
	hookToken        = "bench-token"
	// again is how long a sender waits until it repeats a delivery that failed, and
	// stubborn how long it does.
	again, stubborn = 100 * time.Millisecond, 2 * time.Minute
)

// webhooks delivers pushes, each of which starts a Run: first undisturbed, and then
// while the controller is killed.
func (b *bench) webhooks(ctx context.Context, c *cluster) error {
	for _, part := range []struct {
		name   string
		killed bool
	}{{webhooksScenario, false}, {webhooksScenario + "/killed", true}} {
		namespace := strings.ReplaceAll(part.name, "/", "-")
		if err := receiveIn(ctx, c, namespace); err != nil {
			return err
		}
		progress("%s: %d deliveries, %d at a time", part.name, b.deliveries, b.senders)
		d := &deliverer{cluster: c, namespace: namespace, count: b.deliveries, senders: b.senders}
		err := b.withKayCI(ctx, c, func(k *kayci) error { return b.deliver(ctx, d, k, part.killed) })
		if err != nil {
			return err
		}
		if err := b.tellDeliveries(ctx, part.name, d); err != nil {
			return err
		}
	}
	return nil
}

// receiveIn makes a namespace whose Trigger starts Runs that have nothing to do.
func receiveIn(ctx context.Context, c *cluster, namespace string) error {
	if err := c.namespace(ctx, namespace); err != nil {
		return err
	}
	pipeline := chain(namespace)
	pipeline.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}}
	for i := range pipeline.Spec.Jobs {
		pipeline.Spec.Jobs[i].If = "params.git_sha == 'none'"
	}
	for _, obj := range []client.Object{
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: triggerName},
			StringData: map[string]string{v1alpha1.TokenKey: hookToken},
		},
		pipeline,
		&v1alpha1.Trigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: triggerName},
			Spec: v1alpha1.TriggerSpec{
				Pipeline: pipelineName, Params: map[string]string{"git_sha": "event.sha"},
				Webhook: &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: triggerName}},
			},
		},
	} {
		if err := c.client.Create(ctx, obj); err != nil {
			return fmt.Errorf("make a %T: %w", obj, err)
		}
	}
	return nil
}

// deliverer sends pushes.
type deliverer struct {
	cluster        *cluster
	namespace      string
	count, senders int

	// accepted counts deliveries that were answered with success, and repeated those
	// that were sent again before.
	accepted, repeated atomic.Int64
	latencies          []time.Duration
	wall               time.Duration
}

// deliver sends all pushes to the program, and kills it in the middle if told to.
// Another takes its place.
func (b *bench) deliver(ctx context.Context, d *deliverer, k *kayci, killed bool) error {
	url := "http://" + k.webhooks + "/hooks/" + d.namespace + "/" + triggerName
	if !killed {
		return d.send(ctx, url)
	}
	sent := make(chan error, 1)
	go func() { sent <- d.send(ctx, url) }()
	err := d.cluster.await(ctx, "half of the deliveries are accepted", stall, func(context.Context) (bool, error) {
		return d.accepted.Load() >= int64(d.count/2), nil
	})
	if err != nil {
		return err
	}
	if err := k.Kill(); err != nil {
		return err
	}
	successor, err := startKayCIAt(ctx, d.cluster, b.kayci, d.cluster.logs, k.webhooks)
	if err != nil {
		return errors.Join(err, <-sent)
	}
	return errors.Join(<-sent, successor.Stop())
}

// send sends all pushes, so many at a time, each until it is accepted.
func (d *deliverer) send(ctx context.Context, url string) error {
	d.latencies = make([]time.Duration, d.count)
	began := time.Now()
	senders, ctx := errgroup.WithContext(ctx)
	senders.SetLimit(d.senders)
	for i := range d.count {
		senders.Go(func() error {
			sha := fmt.Sprintf("%040x", i+1)
			delivery, err := webhook.GitHub(webhook.Push{
				Repository: "acme/web", CloneURL: "https://git.example.com/acme/web.git", Branch: "main", SHA: sha, Message: "Change " + sha,
			}, hookToken, "delivery-"+sha)
			if err != nil {
				return err
			}
			d.latencies[i], err = d.insist(ctx, delivery, url)
			return err
		})
	}
	err := senders.Wait()
	d.wall = time.Since(began)
	return err
}

// insist repeats a delivery until it is accepted. It returns how long the last
// request took.
func (d *deliverer) insist(ctx context.Context, delivery webhook.Delivery, url string) (time.Duration, error) {
	var took time.Duration
	var last string
	err := wait.PollUntilContextTimeout(ctx, again, stubborn, true, func(ctx context.Context) (bool, error) {
		began := time.Now()
		answer, err := delivery.Post(ctx, url)
		took = time.Since(began)
		if err == nil && (answer.Status == http.StatusCreated || answer.Status == http.StatusOK) {
			d.accepted.Add(1)
			return true, nil
		}
		last = fmt.Sprintf("status %d, %v", answer.Status, err)
		d.repeated.Add(1)
		return false, nil
	})
	if err != nil {
		return 0, fmt.Errorf("a delivery was not accepted (%s): %w", last, err)
	}
	return took, nil
}

// tellDeliveries prints what the deliveries took, and returns an error unless each
// accepted one is a Run.
func (b *bench) tellDeliveries(ctx context.Context, name string, d *deliverer) error {
	var list v1alpha1.RunList
	if err := d.cluster.client.List(ctx, &list, client.InNamespace(d.namespace)); err != nil {
		return fmt.Errorf("list the Runs: %w", err)
	}
	started := map[string]int{}
	for i := range list.Items {
		if origin := list.Items[i].Spec.Origin; origin != nil {
			started[origin.Delivery]++
		}
	}
	slices.Sort(d.latencies)
	at := func(percent int) float64 {
		return d.latencies[min(d.count-1, d.count*percent/100)].Seconds() * 1000
	}
	b.line(name+"/accepted", float64(d.accepted.Load()), "deliveries")
	b.line(name+"/runs", float64(len(list.Items)), "runs")
	b.line(name+"/repeated", float64(d.repeated.Load()), "requests")
	b.line(name+"/rate", float64(d.count)/d.wall.Seconds(), "deliveries/s")
	for _, percent := range []int{50, 90, 99, 100} {
		b.line(fmt.Sprintf("%s/latency/p%d", name, percent), at(percent), "ms")
	}
	if len(started) != d.count || len(list.Items) != d.count {
		return fmt.Errorf("%d deliveries were accepted, and there are %d Runs of %d of them", d.count, len(list.Items), len(started))
	}
	return nil
}
