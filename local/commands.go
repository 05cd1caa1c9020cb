package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/local/build"
	"github.com/kayci/kayci/local/debian"
	"github.com/kayci/kayci/local/image"
	"github.com/kayci/kayci/local/node"
	"github.com/kayci/kayci/local/node/config"
)

func (s *settings) commands(ctx context.Context) *cobra.Command {
	root := &cobra.Command{
		Use:           "kayci-local",
		Short:         "A real single-node Kubernetes on this machine (Linux, root), and images without a registry",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&s.source, "source", "", "the folder local/ of KayCI's tree (default: looked for in the working directory and above)")
	plain := func(use, short string, run func(context.Context) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return run(ctx) }}
	}
	root.AddCommand(
		plain("up", "Start the cluster and wait until it can be used", s.up),
		plain("down", "Stop the cluster and remove everything that it left on the machine", s.down),
		plain("status", "Say which components run; exit status 1 if the cluster can't be used", s.status),
		plain("build", "Build the components without starting them", s.build),
		plain("assets", "Build the components and print their folder, KUBEBUILDER_ASSETS for envtest", s.assets),
		plain("gitea", "Build Gitea, a git host, and print as JSON where its program and its files are", s.gitea),
		plain("git-lfs", "Build Git LFS, a program of git's, and print its path", s.gitLFS),
		plain("env", "Print shell commands that point kubectl at the cluster", s.env),
		&cobra.Command{
			Use: "load TAR...", Short: "Load images, as docker save or the OCI layout have them, into the cluster", Args: cobra.MinimumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return s.load(ctx, args) },
		},
		s.imageCommand(ctx),
	)
	return root
}

func (s *settings) build(ctx context.Context) error {
	source, err := s.sourceDir()
	if err != nil {
		return err
	}
	return s.cache.Ensure(ctx, s.out, source, build.Programs())
}

func (s *settings) assets(ctx context.Context) error {
	if err := s.build(ctx); err != nil {
		return err
	}
	fmt.Println(s.cache.Bin())
	return nil
}

// gitea is built when it is asked for: the cluster doesn't need it.
func (s *settings) gitea(ctx context.Context) error {
	source, err := s.sourceDir()
	if err != nil {
		return err
	}
	if err := s.cache.Ensure(ctx, s.out, source, []build.Program{build.Gitea()}); err != nil {
		return err
	}
	files, err := build.GiteaFiles(ctx, source)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{"program": filepath.Join(s.cache.Bin(), "gitea"), "files": files})
}

func (s *settings) gitLFS(ctx context.Context) error {
	path, err := s.provideGitLFS(ctx)
	if err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}

// provideGitLFS builds it if it is asked for: the cluster doesn't need it.
func (s *settings) provideGitLFS(ctx context.Context) (path string, err error) {
	source, err := s.sourceDir()
	if err != nil {
		return "", err
	}
	if err := s.cache.Ensure(ctx, s.out, source, []build.Program{build.GitLFS()}); err != nil {
		return "", err
	}
	return filepath.Join(s.cache.Bin(), "git-lfs"), nil
}

func (s *settings) up(ctx context.Context) error {
	if s.current {
		s.out.Say("KAYCI_CLUSTER=current: the cluster of the current kubeconfig is used, and nothing is started")
		return nil
	}
	return s.withNode(ctx, func(n *node.Node) error {
		ill := n.Check(ctx)
		if ill == nil {
			s.out.Say("the cluster runs already: export KUBECONFIG=%s", n.Kubeconfig())
			return nil
		}
		pause, err := s.provide(ctx)
		if err != nil {
			return err
		}
		if n.Exists() {
			s.out.Say("removing what is left of a cluster that isn't whole (%v)", ill)
		}
		// What a lost state folder has left is found all the same.
		if err := n.Down(ctx); err != nil {
			return err
		}
		if err := n.Up(ctx, pause); err != nil {
			return err
		}
		s.out.Say("the cluster is ready: export KUBECONFIG=%s PATH=%s:$PATH", n.Kubeconfig(), s.cache.Bin())
		return nil
	})
}

// withNode runs f with the machine's cluster, while nobody else changes it.
func (s *settings) withNode(ctx context.Context, f func(*node.Node) error) error {
	if err := s.checkMachine(); err != nil {
		return err
	}
	n, err := s.node()
	if err != nil {
		return err
	}
	unlock, err := n.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := n.CheckClaim(); err != nil {
		return err
	}
	return f(n)
}

// provide gets everything that a cluster is started from, and returns the path
// of the tar with the image of pods' first process.
func (s *settings) provide(ctx context.Context) (pauseImage string, err error) {
	if err := s.build(ctx); err != nil {
		return "", err
	}
	if err := debian.Ensure(ctx, s.out, debian.Cluster()); err != nil {
		return "", err
	}
	return s.pauseImage()
}

func (s *settings) pauseImage() (string, error) {
	pause, err := image.Pause(filepath.Join(s.cache.Bin(), "pause"))
	if err != nil {
		return "", err
	}
	output := filepath.Join(s.cache.Dir, "pause.tar")
	return output, pause.Save(config.Default(s.state).PauseImage, output, s.images())
}

func (s *settings) images() string { return filepath.Join(s.cache.Dir, "images") }

func (s *settings) down(ctx context.Context) error {
	if s.current {
		s.out.Say("KAYCI_CLUSTER=current: the cluster of the current kubeconfig is used, and nothing is stopped")
		return nil
	}
	return s.withNode(ctx, func(n *node.Node) error {
		if err := n.Down(ctx); err != nil {
			return err
		}
		s.out.Say("nothing of the cluster is left; what was built stays in %s", s.cache.Dir)
		return nil
	})
}

func (s *settings) status(ctx context.Context) error {
	if s.current {
		s.out.Say("KAYCI_CLUSTER=current: ask kubectl for the state of that cluster")
		return nil
	}
	n, err := s.node()
	if err != nil {
		return err
	}
	if !n.Exists() {
		return fmt.Errorf("there is no cluster in %s", s.state)
	}
	states, err := n.States()
	if err != nil {
		return err
	}
	for _, c := range states {
		state := "stopped"
		if c.Runs {
			state = fmt.Sprintf("process %d", c.PID)
		}
		fmt.Printf("%-24s %-16s %s\n", c.Name, state, c.Log)
	}
	if err := n.Check(ctx); err != nil {
		return fmt.Errorf("the cluster can't be used: %w", err)
	}
	fmt.Println("the cluster is ready: KUBECONFIG=" + n.Kubeconfig())
	return nil
}

func (s *settings) env(context.Context) error {
	fmt.Printf("export PATH=%s:\"$PATH\"\nexport KUBEBUILDER_ASSETS=%s\n", quote(s.cache.Bin()), quote(s.cache.Bin()))
	if s.current {
		return nil
	}
	n, err := s.node()
	if err != nil {
		return err
	}
	fmt.Printf("export KUBECONFIG=%s\nexport KAYCI_LOCAL_ADDRESS=%s\n", quote(n.Kubeconfig()), n.Address())
	return nil
}

// quote makes one word of a text for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (s *settings) load(ctx context.Context, tars []string) error {
	for _, tar := range tars {
		if _, err := os.Stat(tar); err != nil {
			return err
		}
	}
	if s.current {
		return s.loadCurrent(ctx, tars)
	}
	if err := s.checkMachine(); err != nil {
		return err
	}
	n, err := s.node()
	if err != nil {
		return err
	}
	if !n.Exists() {
		return errors.New("there is no cluster to load images into: start it with up")
	}
	for _, tar := range tars {
		err := s.out.Step("loading "+tar, func(func(string)) error { return n.Load(ctx, tar) })
		if err != nil {
			return err
		}
	}
	return nil
}
