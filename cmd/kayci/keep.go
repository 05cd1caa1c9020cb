package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kayci/kayci/keep"
	"github.com/kayci/kayci/store/upload"
)

// keepFlags are what all commands have that ask the store as a pod does.
type keepFlags struct {
	store, token, dir, notes string
	timeout                  time.Duration
}

func (k *keepFlags) bind(f *pflag.FlagSet, timeout time.Duration) {
	f.StringVar(&k.store, "store", "", "address of the store")
	f.StringVar(&k.token, "token-file", "/kayci-token/token", "file with the pod's token for the store")
	f.StringVar(&k.notes, "notes", "/kayci-keep", "folder that the first steps and the sidecar share")
	f.DurationVar(&k.timeout, "timeout", timeout, "when to give up")
}

// open returns what the flags say, and closes what it has opened.
func (k *keepFlags) open(out func(keep.Options) error) error {
	root, err := os.OpenRoot(".")
	if err != nil {
		return fmt.Errorf("open the job's folder: %w", err)
	}
	defer root.Close()
	notes, err := os.OpenRoot(k.notes)
	if err != nil {
		return fmt.Errorf("open the folder of notes: %w", err)
	}
	defer notes.Close()
	token := func() (string, error) {
		data, err := os.ReadFile(k.token)
		if err != nil {
			return "", fmt.Errorf("read the pod's token for the store: %w", err)
		}
		return strings.TrimSpace(string(data)), nil
	}
	return out(keep.Options{Store: &upload.Client{URL: k.store, Token: token}, Root: root, Notes: notes, Out: os.Stdout})
}

type sidecarFlags struct {
	keepFlags
	artifacts, caches []string
	reports           []string
}

func newKeepCommand() *cobra.Command {
	var flags sidecarFlags
	cmd := &cobra.Command{
		Use:   "keep",
		Short: "Keep what a job leaves behind, as a sidecar of its pod",
		Long: `Keep artifacts, test reports and caches of a job in the store, once the other
containers of the pod have ended: then a sidecar is told to stop. In a Pipeline
ci.artifacts, ci.junit and ci.cache make it a sidecar of the job's pod.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd.Context()) },
	}
	f := cmd.Flags()
	flags.bind(f, 2*time.Minute)
	f.StringArrayVar(&flags.artifacts, "artifact", nil, `an artifact, as {"name":"dist","paths":["dist/**"],"when":"success"}; may be repeated`)
	f.StringArrayVar(&flags.reports, "junit", nil, "files of test results, as reports/**/*.xml, in JUnit's XML or as go test -json prints them; may be repeated")
	f.StringArrayVar(&flags.caches, "cache", nil, `a cache, as {"name":"cache","paths":["pkg"]}; may be repeated`)
	return cmd
}

func (s *sidecarFlags) run(ctx context.Context) error {
	artifacts, err := parsed[keep.Artifact]("--artifact", s.artifacts)
	if err != nil {
		return err
	}
	caches, err := parsed[keep.Cache]("--cache", s.caches)
	if err != nil {
		return err
	}
	<-ctx.Done()
	// The containers have ended, and from now on there is as much time as the pod has.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	return s.open(func(o keep.Options) error {
		o.Artifacts, o.Reports, o.Caches = artifacts, s.reports, caches
		last := keep.All(ctx, o)
		err := os.WriteFile(terminationLog, last.Message(), 0o600)
		if last.Error != "" {
			err = errors.New(last.Error)
		}
		return err
	})
}

// parsed reads values that are JSON.
func parsed[T any](flag string, values []string) ([]T, error) {
	all := make([]T, len(values))
	for i, value := range values {
		if err := json.Unmarshal([]byte(value), &all[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	return all, nil
}

type fetchFlags struct {
	keepFlags
	job, name string
}

func newFetchCommand() *cobra.Command {
	var flags fetchFlags
	cmd := &cobra.Command{
		Use:   "fetch",
		Short: "Fetch an artifact of an earlier job, as the first step of a job",
		Long: `Fetch what an earlier job of the Run has kept by ci.artifacts. In a Pipeline ci.fetch
makes it a job's step.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
			defer cancel()
			return flags.open(func(o keep.Options) error { return keep.Fetch(ctx, o, flags.job, flags.name, flags.dir) })
		},
	}
	f := cmd.Flags()
	flags.bind(f, 15*time.Minute)
	f.StringVar(&flags.job, "job", "", "job that has kept the artifact")
	f.StringVar(&flags.name, "name", "", "name of the artifact")
	f.StringVar(&flags.dir, "dir", ".", "folder to write, below the current one")
	return cmd
}

type cacheFlags struct {
	keepFlags
	restoring keep.Restoring
}

// cacheKey is the variable that has the key, for which a Run's parameters are.
const cacheKey = "CACHE_KEY"

func newCacheCommand() *cobra.Command {
	var flags cacheFlags
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Restore a cache of an earlier Run, as a step of a job",
		Long: `Restore files that a job of an earlier Run has left in a cache. In a Pipeline ci.cache
makes it a job's step, and has a sidecar save the cache at the job's end. The key comes
from the variable ` + cacheKey + `. A cache that isn't there or can't be had is no failure.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), flags.timeout)
			defer cancel()
			flags.restoring.Key = os.Getenv(cacheKey)
			return flags.open(func(o keep.Options) error {
				keep.Restore(ctx, o, flags.restoring)
				return nil
			})
		},
	}
	f := cmd.Flags()
	flags.bind(f, 5*time.Minute)
	f.StringVar(&flags.restoring.Name, "name", "cache", "name of the cache within the pod")
	f.StringArrayVar(&flags.restoring.RestoreKeys, "restore-key", nil, "beginning of another key that does; the newest is taken. May be repeated")
	f.StringArrayVar(&flags.restoring.KeyFiles, "key-file", nil, "files whose content is a part of the key, as go.sum; may be repeated")
	return cmd
}
