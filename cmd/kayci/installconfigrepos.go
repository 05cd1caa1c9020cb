package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/install"
)

type installFlags struct {
	file, release string
	namespaces    []string
	timeout       time.Duration
}

func newInstallConfigReposCommand() *cobra.Command {
	var flags installFlags
	cmd := &cobra.Command{
		Use:   "install-configrepos",
		Short: "Bring the ConfigRepos of a Helm release in line with its values",
		Long: "Bring the ConfigRepos of a Helm release in line with its values: create and update those\n" +
			"of the file, delete those that an earlier call has made and the file doesn't name.\n" +
			"The chart's hook runs this at every install, upgrade and rollback.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.file, "file", "", "a ConfigRepoList in YAML or JSON")
	f.StringVar(&flags.release, "release", "", "the release, as namespace/name")
	f.StringSliceVar(&flags.namespaces, "namespaces", nil, "namespaces to look for earlier ConfigRepos in, separated by commas (default all)")
	f.DurationVar(&flags.timeout, "timeout", 3*time.Minute, "how long the API server may take to serve the ConfigRepo kind, and to reach the admission webhook")
	for _, name := range []string{"file", "release"} {
		cobra.CheckErr(cmd.MarkFlagRequired(name))
	}
	return cmd
}

func (flags *installFlags) run(cmd *cobra.Command) error {
	namespace, name, found := strings.Cut(flags.release, "/")
	if !found || namespace == "" || name == "" {
		return fmt.Errorf("--release is %q, not namespace/name", flags.release)
	}
	data, err := os.ReadFile(flags.file)
	if err != nil {
		return fmt.Errorf("read the ConfigRepos: %w", err)
	}
	wanted, err := install.Read(data)
	if err != nil {
		return fmt.Errorf("%s: %w", flags.file, err)
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	c, err := client.New(cfg, client.Options{})
	if err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	release := install.Release{
		Client:    client.WithFieldValidation(c, metav1.FieldValidationStrict),
		Namespace: namespace, Name: name,
		Scope:    flags.namespaces,
		Patience: flags.timeout,
	}
	changes, err := release.Apply(cmd.Context(), wanted)
	for _, change := range changes {
		fmt.Fprintf(cmd.OutOrStdout(), "configrepo %s %s\n", change.NamespacedName, change.Action)
	}
	return err
}
