package author

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/render"
)

// ImageUsage says what an image flag is for.
const ImageUsage = "KayCI's own image, which the notifiers of the built-in library run"

// GitImageUsage says what a git-image flag is for.
const GitImageUsage = "KayCI's own image with git in it, which the checkouts of the built-in library run (default that of --image with -git behind its tag)"

// StoreUsage says what a store-url flag is for.
const StoreUsage = "address of the store, by which the artifacts and caches of the built-in library are kept"

// usualStore is the address of the store of an installation as the README has it.
const usualStore = "http://kayci-store.kayci.svc"

// offline is the namespace of what is rendered without a cluster, unless one is named.
const offline = "default"

// defaultTimeout is when rendering is given up.
const defaultTimeout = time.Minute

// errNothing says that a folder renders no object.
var errNothing = errors.New("the files render no object: a sync refuses them unless spec.allowEmpty is set")

// folder says which files are rendered, and how.
type folder struct {
	tools      *Tools
	options    render.Options
	timeout    time.Duration
	allowEmpty bool
	configRepo string
	// repo is what configRepo names, once the cluster was asked.
	repo *v1alpha1.ConfigRepo
}

// the flags that say how a folder is rendered.
const (
	pathFlag       = "path"
	varFlag        = "var"
	imageFlag      = "image"
	gitImageFlag   = "git-image"
	storeURLFlag   = "store-url"
	allowEmptyFlag = "allow-empty"
	configRepoFlag = "configrepo"
	timeoutFlag    = "timeout"
	namespaceFlag  = "namespace"
)

func (f *folder) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.options.Path, pathFlag, "", "folder of the entry files below DIR (default DIR itself)")
	flags.StringToStringVar(&f.options.Vars, varFlag, nil, "vars of the ConfigRepo, as name=value; may be repeated")
	flags.StringVar(&f.options.Image, imageFlag, f.tools.Image, ImageUsage)
	flags.StringVar(&f.options.GitImage, gitImageFlag, "", GitImageUsage)
	flags.StringVar(&f.options.Store, storeURLFlag, usualStore, StoreUsage)
	flags.BoolVar(&f.allowEmpty, allowEmptyFlag, false, "accept files that render nothing, as a ConfigRepo with spec.allowEmpty does")
	flags.StringVar(&f.configRepo, configRepoFlag, "", "ask the cluster for this ConfigRepo's path, vars, ignore and namespace")
	f.tools.Cluster.AddFlags(flags)
}

func (f *folder) addTimeout(flags *pflag.FlagSet) {
	flags.DurationVar(&f.timeout, timeoutFlag, defaultTimeout, "when to give up")
}

// resolve completes what the flags leave open. Nobody is asked unless a ConfigRepo is
// named.
func (f *folder) resolve(cmd *cobra.Command, args []string) error {
	f.options.Dir = "."
	if len(args) > 0 {
		f.options.Dir = args[0]
	}
	if f.configRepo != "" {
		return f.follow(cmd)
	}
	f.options.Namespace = offline
	if !cmd.Flags().Changed(namespaceFlag) {
		return nil
	}
	var err error
	f.options.Namespace, err = f.tools.Cluster.Namespace()
	return err
}

// follow renders as the ConfigRepo does, but for what flags say.
func (f *folder) follow(cmd *cobra.Command) error {
	namespace, err := f.tools.Cluster.Namespace()
	if err != nil {
		return err
	}
	cluster, err := f.tools.Cluster.Client()
	if err != nil {
		return err
	}
	f.repo = &v1alpha1.ConfigRepo{}
	if err := cluster.Get(cmd.Context(), client.ObjectKey{Namespace: namespace, Name: f.configRepo}, f.repo); err != nil {
		return fmt.Errorf("read the ConfigRepo: %w", err)
	}
	f.options.Namespace = namespace
	f.options.Path = cmp.Or(f.options.Path, f.repo.Spec.Path)
	f.options.Ignore = f.repo.Spec.Ignore
	vars := maps.Clone(f.repo.Spec.Vars)
	if vars == nil {
		vars = map[string]string{}
	}
	maps.Copy(vars, f.options.Vars)
	f.options.Vars = vars
	f.allowEmpty = f.allowEmpty || f.repo.Spec.AllowEmpty
	return nil
}

// objects of the folder that is named, or of the current one.
func (f *folder) objects(cmd *cobra.Command, args []string) ([]render.Object, error) {
	if err := f.resolve(cmd, args); err != nil {
		return nil, err
	}
	return f.render(cmd.Context())
}

func (f *folder) render(ctx context.Context) ([]render.Object, error) {
	command, err := f.tools.Evaluate()
	if err != nil {
		return nil, err
	}
	f.options.Exec = command
	f.timeout = cmp.Or(f.timeout, defaultTimeout)
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	result, err := render.Render(ctx, f.options)
	switch faults := render.Errors(nil); {
	case errors.As(err, &faults):
		return nil, err
	case err != nil:
		return nil, f.inTime(err)
	}
	if len(result.Objects) == 0 && !f.allowEmpty {
		return nil, errNothing
	}
	return result.Objects, nil
}

// inTime says of an error that time was over, if it was.
func (f *folder) inTime(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &cli.ExitError{Code: cli.ExitTimeout, Err: fmt.Errorf("not done within %s: --%s gives it longer", f.timeout, timeoutFlag)}
}
