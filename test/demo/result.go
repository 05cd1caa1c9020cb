package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitea"
)

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

// printStatuses waits until Gitea has the last word about a commit, and prints what it
// shows there, to whom.
func (d *demo) printStatuses(ctx context.Context, h *host, commit string) error {
	var latest []gitea.Status
	err := d.Progress.Wait(ctx, "the commit's status at Gitea", time.Minute, func(ctx context.Context) (done bool, state string, err error) {
		state, latest, err = h.user.CombinedStatus(ctx, h.program, commit)
		return len(latest) > 0 && state != "pending", state, err
	})
	if err != nil {
		return err
	}
	fmt.Printf("\nWhat Gitea shows at commit %.10s of %s:\n", commit, h.program)
	for _, status := range latest {
		fmt.Printf("                 %s: %s, %s\n", status.Context, status.State, status.Description)
	}
	fmt.Printf("To see it:       %s/%s/commit/%s\n", h.url, h.program, commit)
	fmt.Printf("To sign in:      user %s, password %s, of this demo alone\n", h.login.Username, h.login.Password)
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
