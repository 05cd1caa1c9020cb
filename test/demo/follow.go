package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/webhook"
)

func key(name string) client.ObjectKey { return client.ObjectKey{Namespace: namespace, Name: name} }

// awaitSync waits until the commit's objects are in the cluster and the
// Triggers take webhooks.
func (d *demo) awaitSync(ctx context.Context, c *cluster.Cluster, commit string) error {
	err := d.Progress.Wait(ctx, "the sync of commit "+commit[:10], time.Minute, func(ctx context.Context) (bool, string, error) {
		var repo v1alpha1.ConfigRepo
		if err := c.Client.Get(ctx, key(configRepo), &repo); err != nil {
			return false, "", cluster.Retry(err)
		}
		ready := meta.FindStatusCondition(repo.Status.Conditions, "Ready")
		if ready == nil {
			return false, "the ConfigRepo has no condition yet", nil
		}
		done := strings.HasSuffix(repo.Status.LastAppliedRevision, commit) && ready.Status == "True"
		return done, fmt.Sprintf("Ready=%s: %s", ready.Status, ready.Message), nil
	})
	if err != nil {
		return err
	}
	return d.Progress.Wait(ctx, "the Triggers", 30*time.Second, func(ctx context.Context) (bool, string, error) {
		var triggers v1alpha1.TriggerList
		if err := c.Client.List(ctx, &triggers, client.InNamespace(namespace)); err != nil {
			return false, "", cluster.Retry(err)
		}
		waiting := []string{}
		for _, t := range triggers.Items {
			if !meta.IsStatusConditionTrue(t.Status.Conditions, "Ready") {
				waiting = append(waiting, t.Name)
			}
		}
		return len(waiting) == 0, "not ready: " + strings.Join(waiting, ", "), nil
	})
}

// startRun sends a delivery to a Trigger and returns the name of the Run.
func (d *demo) startRun(ctx context.Context, c *cluster.Cluster, trigger string, delivery webhook.Delivery) (string, error) {
	var t v1alpha1.Trigger
	if err := c.Client.Get(ctx, key(trigger), &t); err != nil {
		return "", fmt.Errorf("get Trigger %s: %w", trigger, err)
	}
	url, stop, err := c.WebhookURL(ctx)
	if err != nil {
		return "", err
	}
	defer stop()
	answer, err := delivery.Post(ctx, url+t.Status.WebhookPath)
	if err != nil {
		return "", err
	}
	d.Progress.Say("sent a signed webhook to %s%s: %d %s", url, t.Status.WebhookPath, answer.Status, strings.TrimSpace(string(answer.Body)))
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

// printResult shows what a person would look at next.
func (d *demo) printResult(ctx context.Context, c *cluster.Cluster, runs ...string) error {
	for _, run := range runs {
		d.Progress.Say("the logs of Run %s", run)
		if err := printLogs(ctx, c, run); err != nil {
			return fmt.Errorf("read the logs: %w", err)
		}
	}
	d.Progress.Say("kubectl get pipelines,triggers,runs,jobs")
	text, err := c.Kubectl(ctx, "get", "pipelines,triggers,runs,jobs", "--namespace="+namespace)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return nil
}

// printLogs prints the logs of a Run's containers in the order of their start.
func printLogs(ctx context.Context, c *cluster.Cluster, run string) error {
	var pods corev1.PodList
	if err := c.Client.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.RunLabel: run}); err != nil {
		return err
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	for i := range pods.Items {
		pod := &pods.Items[i]
		for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			text, err := c.Kubectl(ctx, "logs", "--namespace="+namespace, pod.Name, "--container="+container.Name)
			if err != nil {
				return err
			}
			for line := range strings.Lines(text) {
				fmt.Printf("%s/%s: %s\n", pod.Labels[v1alpha1.JobLabel], container.Name, strings.TrimRight(line, "\n"))
			}
		}
	}
	return nil
}

// farewell says how to look around and how to remove everything.
func (d *demo) farewell(c *cluster.Cluster) {
	fmt.Println()
	if d.Current {
		fmt.Printf("To look around:  kubectl --namespace %s get configrepos,pipelines,triggers,runs,jobs,pods\n", namespace)
		fmt.Println("To remove it:    KAYCI_CLUSTER=current make demo-down")
		return
	}
	fmt.Printf("To look around:  export KUBECONFIG=%s PATH=%s:$PATH\n", c.Kubeconfig, c.Programs())
	fmt.Printf("                 kubectl --namespace %s get configrepos,pipelines,triggers,runs,jobs,pods\n", namespace)
	fmt.Println("To remove it:    make demo-down")
}
