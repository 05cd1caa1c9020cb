package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/controllers"
	"github.com/kayci/kayci/store"
	"github.com/kayci/kayci/store/bucket"
)

type storeFlags struct {
	store.Options
	bucket      bucketFlags
	limits      limitFlags
	maxLog      resource.QuantityValue
	memoryLimit resource.QuantityValue
	log         logger.Options
}

// bucketFlags say where everything is kept.
type bucketFlags struct {
	folder string
	s3     bucket.S3Options
	keys   string
}

func newStoreCommand() *cobra.Command {
	flags := storeFlags{maxLog: quantity("1Gi"), limits: limitFlags{quantity("1Gi"), quantity("5Gi"), quantity("4Gi"), quantity("10Gi")}}
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Keep logs and records of Runs beyond their deletion",
		Long: `Keep what Runs leave behind: it follows the logs of their containers while those
run, and stores a record of each Run at its end, in a folder or in a bucket of an
S3-like store. It answers who may get pods/log, or runs, in the namespace.`,
		Args: cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) {
			setLogger(flags.log)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	flags.bucket.bind(f)
	f.StringSliceVar(&flags.WatchNamespaces, "watch-namespaces", nil, "namespaces to serve, separated by commas (default all)")
	f.StringVar(&flags.Address, "bind-address", ":8095", "address that answers who reads")
	addresses{&flags.MetricsAddress, &flags.ProbeAddress, &flags.PprofAddress}.bind(f)
	f.IntVar(&flags.Streams, "max-streams", 200, "logs that are followed at once: others wait for their turn")
	f.Var(&flags.maxLog, "max-log", "how much of a container's log is kept, in bytes")
	f.Var(&flags.memoryLimit, "memory-limit", "memory of the container, in bytes; near it Go collects garbage more often. Ignored if GOMEMLIMIT is set; 0 for none")
	f.DurationVar(&flags.Bounds.Age, "keep-age", 90*24*time.Hour, "how long a Run is kept; 0 for ever")
	f.IntVar(&flags.Bounds.Count, "keep-count", 1000, "how many Runs of a Pipeline are kept; 0 for all")
	flags.limits.bind(f)
	f.StringSliceVar(&flags.DefaultBranches, "default-branches", []string{"main", "master"}, "names that a repository's default branch may have, separated by commas: all Runs of the repository read its caches")
	f.BoolVar(&flags.LeaderElection, "leader-elect", true, "let one replica of many follow; every one answers")
	f.StringVar(&flags.LeaderElectionNamespace, "leader-election-namespace", "", "namespace of the Lease (default the pod's own)")
	f.DurationVar(&flags.GracefulShutdown, "graceful-shutdown", 20*time.Second, "how long requests in flight may take to end at a shutdown")
	flags.log.BindFlags(f)
	return cmd
}

// limitFlags bound what jobs keep.
type limitFlags struct{ artifact, run, cache, caches resource.QuantityValue }

func quantity(text string) resource.QuantityValue {
	return resource.QuantityValue{Quantity: resource.MustParse(text)}
}

func (l *limitFlags) bind(f *pflag.FlagSet) {
	f.Var(&l.artifact, "max-artifact", "how large an artifact may be, in bytes")
	f.Var(&l.run, "max-artifacts", "how large the artifacts of a Run may be together, in bytes")
	f.Var(&l.cache, "max-cache", "how large a cache may be, in bytes")
	f.Var(&l.caches, "max-caches", "how large the caches of a namespace may be together, in bytes: beyond that those go that were used longest ago")
}

func (l *limitFlags) limits() store.Limits {
	return store.Limits{Artifact: l.artifact.Value(), Run: l.run.Value(), Cache: l.cache.Value(), Caches: l.caches.Value()}
}

func (b *bucketFlags) bind(f *pflag.FlagSet) {
	f.StringVar(&b.folder, "folder", "", "folder to keep everything in, as that of a claim")
	f.StringVar(&b.s3.Bucket, "s3-bucket", "", "bucket to keep everything in, of an S3-like store, which has to know conditional writes (If-None-Match)")
	f.StringVar(&b.s3.Endpoint, "s3-endpoint", "https://s3.amazonaws.com", "address of that store")
	f.StringVar(&b.s3.Prefix, "s3-prefix", "", "folder within the bucket")
	f.StringVar(&b.s3.Region, "s3-region", "", "region of the bucket (default what the store says)")
	f.BoolVar(&b.s3.PathStyle, "s3-path-style", false, "name the bucket in the path and not in the host's name")
	f.StringVar(&b.s3.CAFile, "s3-ca-file", "", "file with certificates in PEM that the store's may be signed by, beside the system's")
	f.StringVar(&b.keys, "s3-credentials", "", "folder with the files accessKey and secretKey (default what the environment or the pod's cloud identity gives)")
}

// unrecorded is how long the logs are kept of a Run that was deleted before it was
// recorded.
const unrecorded = 7 * 24 * time.Hour

func (flags *storeFlags) run(ctx context.Context) error {
	if flags.Streams < 1 {
		return errors.New("--max-streams has to be 1 at least")
	}
	limitMemory(flags.memoryLimit.Value(), 0)
	paceGarbage(storeGarbage())
	flags.Limits = flags.limits.limits()
	flags.MaxLog, flags.Bounds.Unrecorded = flags.maxLog.Value(), unrecorded
	in, err := flags.bucket.open(ctx)
	if err != nil {
		return err
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	if err := controllers.AwaitKinds(ctx, cfg, controllers.KindsPatience); err != nil {
		return err
	}
	mgr, err := store.NewManager(ctx, cfg, in, flags.Options)
	if err != nil {
		return err
	}
	b := buildInfo()
	ctrl.Log.Info("starting the store", "version", b.Version, "revision", b.Revision, "go", b.Go)
	return mgr.Start(ctx)
}

// checked is a bucket that can say whether it is fit.
type checked interface {
	bucket.Bucket
	Check(ctx context.Context) error
}

func (b *bucketFlags) open(ctx context.Context) (bucket.Bucket, error) {
	var in checked
	var err error
	switch {
	case b.folder != "" && b.s3.Bucket != "":
		return nil, errors.New("everything is kept in one place: give --folder or --s3-bucket")
	case b.folder != "":
		in, err = bucket.NewFolder(b.folder)
	case b.s3.Bucket != "":
		if err := b.readKeys(); err != nil {
			return nil, err
		}
		in, err = bucket.NewS3(b.s3)
	default:
		return nil, errors.New("say where to keep everything: --folder or --s3-bucket")
	}
	if err != nil {
		return nil, err
	}
	return in, in.Check(ctx)
}

// readKeys reads the credentials of the bucket.
func (b *bucketFlags) readKeys() error {
	if b.keys == "" {
		return nil
	}
	for _, key := range []struct {
		name string
		into *string
	}{{"accessKey", &b.s3.AccessKey}, {"secretKey", &b.s3.SecretKey}} {
		data, err := os.ReadFile(filepath.Join(b.keys, key.name))
		if err != nil {
			return fmt.Errorf("read the credentials of the bucket: %w", err)
		}
		*key.into = strings.TrimSpace(string(data))
	}
	return nil
}
