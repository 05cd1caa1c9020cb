package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kayci/kayci/test/cluster"
	"github.com/kayci/kayci/test/gitea"
)

// printResult shows what a person would look at next.
func (d *demo) printResult(ctx context.Context, c *cluster.Cluster, runs ...string) error {
	for _, run := range runs {
		if err := d.kayci(ctx, c, "logs", run); err != nil {
			return err
		}
	}
	if err := d.kayci(ctx, c, "graph", runs[len(runs)-1]); err != nil {
		return err
	}
	if err := d.kayci(ctx, c, "runs"); err != nil {
		return err
	}
	d.Progress.Say("kubectl get pipelines,triggers,runs,jobs")
	text, err := c.Kubectl(ctx, "get", "pipelines,triggers,runs,jobs", "--namespace="+namespace)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return nil
}

// program is the folder that `make build` puts kayci into.
func (d *demo) program() string { return filepath.Join(d.Source, "bin") }

// kayci gives a command as a person would.
func (d *demo) kayci(ctx context.Context, c *cluster.Cluster, args ...string) error {
	d.Progress.Say("kayci %s", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, filepath.Join(d.program(), "kayci"), append(args, "--namespace", namespace)...)
	if c.Kubeconfig != "" {
		cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kayci %s: %w", args[0], err)
	}
	return nil
}

// printStatuses waits until Gitea has the last word about a commit, and prints what it
// shows there, to whom. It returns the last status.
func (d *demo) printStatuses(ctx context.Context, h *host, commit string) (*gitea.Status, error) {
	var latest []gitea.Status
	err := d.Progress.Wait(ctx, "the commit's status at Gitea", time.Minute, func(ctx context.Context) (done bool, state string, err error) {
		state, latest, err = h.user.CombinedStatus(ctx, h.program, commit)
		return len(latest) > 0 && state != "pending", state, err
	})
	if err != nil {
		return nil, err
	}
	fmt.Printf("\nWhat Gitea shows at commit %.10s of %s:\n", commit, h.program)
	for _, status := range latest {
		fmt.Printf("                 %s: %s, %s\n", status.Context, status.State, status.Description)
	}
	fmt.Printf("To see it:       %s/%s/commit/%s\n", h.url, h.program, commit)
	fmt.Printf("To sign in:      user %s, password %s, of this demo alone\n", h.login.Username, h.login.Password)
	return &latest[0], nil
}

// printPage looks at the page of the Run that the commit has started, where its status at
// Gitea leads to, and prints its address.
func (d *demo) printPage(ctx context.Context, h *host, status *gitea.Status, run string) error {
	if h.page == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, status.TargetURL, http.NoBody)
	if err != nil {
		return fmt.Errorf("look at the page that the commit's status links to: %w", err)
	}
	// A redirect would lead to another page.
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("look at the page that the commit's status links to: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("look at the page that the commit's status links to: %w", err)
	}
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(text), run) {
		return fmt.Errorf("the commit's status links to %s, which answers %s and isn't the page of Run %s", status.TargetURL, answer.Status, run)
	}
	fmt.Printf("\nThe web page:    %s\n", status.TargetURL)
	fmt.Println("                 shows it to everybody here; `kayci ui` shows it to you, with buttons")
	return nil
}

// farewell says how to look around and how to remove everything.
func (d *demo) farewell(c *cluster.Cluster) {
	fmt.Println()
	remove := "make demo-down"
	if d.Current {
		fmt.Printf("To look around:  export PATH=%s:$PATH\n", d.program())
		remove = "KAYCI_CLUSTER=current make demo-down"
	} else {
		fmt.Printf("To look around:  export KUBECONFIG=%s PATH=%s:%s:$PATH\n", c.Kubeconfig, d.program(), c.Programs())
	}
	for _, command := range []string{
		"kayci ui --namespace %s", "kayci runs --namespace %s", "kayci start diamond -f --namespace %s",
		"kubectl --namespace %s get configrepos,pipelines,triggers,runs,jobs,pods",
	} {
		fmt.Printf("                 "+command+"\n", namespace)
	}
	fmt.Println("To remove it:   ", remove)
}
