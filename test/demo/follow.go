package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/webhook"
)

func key(name string) client.ObjectKey { return client.ObjectKey{Namespace: namespace, Name: name} }

// hookPaths are where the config repository's pushes are told, and the program's.
type hookPaths struct{ config, push string }

// awaitSync waits until the commit's objects are in the cluster and KayCI takes
// webhooks, and returns where.
func (d *demo) awaitSync(ctx context.Context, c *cluster.Cluster, commit, token string) (paths hookPaths, err error) {
	err = d.Progress.Wait(ctx, "the sync of commit "+commit[:10], time.Minute, func(ctx context.Context) (bool, string, error) {
		var repo v1alpha1.ConfigRepo
		if err := c.Client.Get(ctx, key(configRepo), &repo); err != nil {
			return false, "", cluster.Retry(err)
		}
		ready := meta.FindStatusCondition(repo.Status.Conditions, "Ready")
		if ready == nil {
			return false, "the ConfigRepo has no condition yet", nil
		}
		paths.config = repo.Status.WebhookPath
		done := strings.HasSuffix(repo.Status.LastAppliedRevision, commit) && ready.Status == "True" && paths.config != ""
		return done, fmt.Sprintf("Ready=%s: %s", ready.Status, ready.Message), nil
	})
	if err != nil {
		return paths, err
	}
	err = d.Progress.Wait(ctx, "the Triggers", 30*time.Second, func(ctx context.Context) (bool, string, error) {
		var triggers v1alpha1.TriggerList
		if err := c.Client.List(ctx, &triggers, client.InNamespace(namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		waiting := []string{}
		for _, t := range triggers.Items {
			// What an example polls may be out of reach.
			if t.Spec.Webhook != nil && !meta.IsStatusConditionTrue(t.Status.Conditions, "Ready") {
				waiting = append(waiting, t.Name)
			}
			if t.Name == pushTrigger {
				paths.push = t.Status.WebhookPath
			}
		}
		return len(waiting) == 0 && paths.push != "", "not ready: " + strings.Join(waiting, ", "), nil
	})
	if err != nil {
		return paths, err
	}
	return paths, errors.Join(c.AwaitWebhook(ctx, d.Progress, paths.config, token), c.AwaitWebhook(ctx, d.Progress, paths.push, token))
}

// awaitRun waits for the Run that a push has started, and returns its name.
func (d *demo) awaitRun(ctx context.Context, c *cluster.Cluster, commit string) (name string, err error) {
	err = d.Progress.Wait(ctx, "Gitea to tell KayCI of the push", time.Minute, func(ctx context.Context) (bool, string, error) {
		var runs v1alpha1.RunList
		if err := c.Client.List(ctx, &runs, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.TriggerLabel: pushTrigger}); err != nil {
			return false, "", cluster.Retry(err)
		}
		for _, run := range runs.Items {
			if run.Spec.Origin != nil && run.Spec.Origin.SHA == commit {
				name = run.Name
			}
		}
		return name != "", "no Run of the commit", nil
	})
	return name, err
}

// startRun sends a delivery to a Trigger and returns the name of the Run.
func (d *demo) startRun(ctx context.Context, c *cluster.Cluster, hooks, trigger string, delivery webhook.Delivery) (string, error) {
	var t v1alpha1.Trigger
	if err := c.Client.Get(ctx, key(trigger), &t); err != nil {
		return "", fmt.Errorf("get Trigger %s: %w", trigger, err)
	}
	answer, err := delivery.Post(ctx, hooks+t.Status.WebhookPath)
	if err != nil {
		return "", err
	}
	d.Progress.Say("sent a request to %s%s: %d %s", hooks, t.Status.WebhookPath, answer.Status, strings.TrimSpace(string(answer.Body)))
	decision, err := answer.Decision()
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusCreated || len(decision.Results) != 1 {
		return "", fmt.Errorf("the webhook of Trigger %s has started no Run", trigger)
	}
	return decision.Results[0].Run, nil
}

// follow returns nil when the Run has succeeded.
func (d *demo) follow(ctx context.Context, c *cluster.Cluster, name string) error {
	var run v1alpha1.Run
	err := d.Progress.Wait(ctx, "Run "+name, 5*time.Minute, func(ctx context.Context) (bool, string, error) {
		if err := c.Client.Get(ctx, key(name), &run); err != nil {
			return false, "", cluster.Retry(err)
		}
		return run.Status.Phase.Finished(), describe(&run), nil
	})
	if err != nil {
		return err
	}
	d.Progress.Say("Run %s: %s", name, describe(&run))
	if run.Status.Phase != v1alpha1.RunSucceeded {
		return fmt.Errorf("the Run %s ended as %s", name, run.Status.Phase)
	}
	return nil
}

func describe(run *v1alpha1.Run) string {
	words := []string{string(run.Status.Phase)}
	for _, job := range run.Status.Jobs {
		word := job.Name + "=" + string(job.Phase)
		if job.Reason != "" {
			word += "(" + job.Reason + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// awaitJobs waits for Kubernetes' own verdict on the Jobs, which comes later than
// the Runs' end.
func (d *demo) awaitJobs(ctx context.Context, c *cluster.Cluster) error {
	return d.Progress.Wait(ctx, "Kubernetes to end the Jobs", 30*time.Second, func(ctx context.Context) (bool, string, error) {
		var jobs batchv1.JobList
		if err := c.Client.List(ctx, &jobs, client.InNamespace(namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		active := []string{}
		for _, job := range jobs.Items {
			if !evidence.Finished(&job) {
				active = append(active, job.Name)
			}
		}
		return len(active) == 0, "not ended: " + strings.Join(active, ", "), nil
	})
}
