package cli

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/report/state"
	"github.com/kayci/kayci/runs/view"
)

// pageVariable holds the address of Runs' pages.
const pageVariable = "KAYCI_URL"

// pages is where Runs' pages are below an address that names none of a Run's parts.
const pages = "/ns/{namespace}/runs/{run}"

func newOpenCommand(env *Env) *cobra.Command {
	var address string
	var stay bool
	cmd := &cobra.Command{
		Use:   "open [RUN]",
		Short: "Print the address of a Run's page, and open it in a browser",
		Long: "Print the address of a Run's page. On a terminal it is opened in a browser, too.\n\n" +
			"The address comes from --url or the variable KAYCI_URL, which has either names in braces as\n" +
			"the chart's reports.url, or is that of the page's server. Without them the Run's Trigger is\n" +
			"asked for its report.url.\n\n" + unaddressed,
		Example:           "  kayci open web/12 --url https://ci.example.com",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: env.complete(env.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPage(address, env.Getenv(pageVariable)); err != nil {
				return err
			}
			run, err := env.run(cmd.Context(), args)
			if err != nil {
				return err
			}
			page, err := env.pageOf(cmd.Context(), run, address)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(env.Out, page); err != nil {
				return err
			}
			if !env.Terminal.Out || stay {
				return nil
			}
			return browse(cmd.Context(), runtime.GOOS, page)
		},
	}
	env.Cluster.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&address, "url", "", "address of Runs' pages, or of the server that has them (default $"+pageVariable+")")
	cmd.Flags().BoolVar(&stay, "no-browser", false, "only print the address")
	return cmd
}

// checkPage refuses an address that isn't one, whoever gave it.
func checkPage(flag, variable string) error {
	for _, given := range []struct{ name, value string }{{"--url", flag}, {pageVariable, variable}} {
		if given.value == "" {
			continue
		}
		if problems := validation.Page(given.value, field.NewPath(given.name)); len(problems) > 0 {
			return usage("%s: %s", given.name, problems[0].Detail)
		}
	}
	return nil
}

// page is the address of the Run's page, by the first of these that says one: an
// address, the environment, its Trigger. Blank: none does.
func (e *Env) page(run *v1alpha1.Run, flag, trigger string) string {
	for _, template := range []string{flag, e.Getenv(pageVariable), trigger} {
		if template == "" || len(validation.Page(template, field.NewPath("url"))) > 0 {
			continue
		}
		if !strings.Contains(template, "{") {
			template = strings.TrimRight(template, "/") + pages
		}
		return state.Address(template, run.Labels[v1alpha1.TriggerLabel], run)
	}
	return ""
}

// pageOf asks the Run's Trigger if nobody else knows.
func (e *Env) pageOf(ctx context.Context, run *v1alpha1.Run, flag string) (string, error) {
	if page := e.page(run, flag, ""); page != "" {
		return page, nil
	}
	var trigger v1alpha1.Trigger
	if name := run.Labels[v1alpha1.TriggerLabel]; name != "" {
		c, err := e.Cluster.Client()
		if err != nil {
			return "", err
		}
		err = c.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: name}, &trigger)
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
			return "", fmt.Errorf("get Trigger %s: %w", name, err)
		}
	}
	if report := trigger.Spec.Report; report != nil {
		if page := e.page(run, "", report.URL); page != "" {
			return page, nil
		}
	}
	return "", usage("the address of Run %s isn't known: its Trigger has no report.url. Set --url, or %s, to the address of your pages; whoever installed KayCI knows it as reports.url", view.Address(run), pageVariable)
}

// browse opens an address, which is one of http or https, in the person's browser.
func browse(ctx context.Context, system, address string) error {
	var cmd *exec.Cmd
	switch system {
	case "darwin":
		cmd = exec.CommandContext(ctx, "open", address)
	case "windows":
		cmd = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", address)
	default:
		cmd = exec.CommandContext(ctx, "xdg-open", address)
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("open a browser: %w (--no-browser only prints the address)", err)
	}
	return nil
}
