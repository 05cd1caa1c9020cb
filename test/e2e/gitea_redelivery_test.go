package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/gitea"
)

// KayCI is killed when it has stored a delivery's Run and Gitea has no answer yet. What
// Gitea is then asked to deliver again starts no second Run. Not parallel: while the
// controller is gone no other test can go on.
func TestKilledBeforeTheAnswer(t *testing.T) {
	f := newForge(t)
	wire := newWire(t)
	f.hooks = wire.url
	f.follow(t, "echo hello", v1alpha1.EventPush)
	runs := f.watchRuns(t)

	wire.cut.Store(true)
	commit := f.commit(t, f.clone, "main.go", "package main\n")
	if event := <-runs; event.Type != watch.Added {
		t.Fatalf("wait for a Run: %+v", event)
	}
	f.killProcesses(t)
	failed := f.awaitDeliveries(t, gitea.DeliveryFailed)
	if err := f.AwaitRollout(f.ctx); err != nil {
		t.Fatal(err)
	}

	wire.cut.Store(false)
	f.must(t, f.ada.Redeliver(f.ctx, f.code, f.hook, failed[0].ID))
	f.awaitDeliveries(t, gitea.DeliverySucceeded, gitea.DeliveryFailed)
	f.awaitDecision(t, v1alpha1.DecisionExists)
	run := f.awaitEnd(t, f.awaitRun(t, "refs/heads/main", commit).Name, v1alpha1.RunSucceeded)
	f.awaitStatus(t, commit, f.ended(run, "success"))
	f.expectRuns(t, 1)
}

// wire leads from Gitea to KayCI. While it is cut what is sent arrives, and no answer
// comes back.
type wire struct {
	url string
	cut atomic.Bool
}

func newWire(t *testing.T) *wire {
	t.Helper()
	target, err := url.Parse(shared.hooks)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{DisableKeepAlives: true},
		ModifyResponse: func(*http.Response) error {
			if w.cut.Load() {
				return errors.New("the wire is cut")
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// watchRuns tells of the namespace's Runs as soon as the API server has stored them.
// The channel is closed when none has come for long.
func (f *forge) watchRuns(t *testing.T) <-chan watch.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, 90*time.Second)
	t.Cleanup(cancel)
	watching, err := client.NewWithWatch(f.Config, client.Options{Scheme: f.Client.Scheme()})
	f.must(t, err)
	watcher, err := watching.Watch(ctx, &v1alpha1.RunList{}, client.InNamespace(f.namespace))
	f.must(t, err)
	t.Cleanup(watcher.Stop)
	return watcher.ResultChan()
}

// awaitDeliveries waits until what Gitea has told of the code, the latest first, has
// come to this.
func (f *forge) awaitDeliveries(t *testing.T, want ...gitea.DeliveryState) (found []gitea.Delivery) {
	t.Helper()
	f.await(t, fmt.Sprint("the deliveries ", want), func(ctx context.Context) (done bool, _ string, err error) {
		found, err = f.ada.Deliveries(ctx, f.code, f.hook)
		var states []gitea.DeliveryState
		for _, delivery := range found {
			states = append(states, delivery.State)
		}
		return slices.Equal(want, states), fmt.Sprint(states), err
	})
	return found
}
