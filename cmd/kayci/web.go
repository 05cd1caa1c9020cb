package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/seal"
	"github.com/kayci/kayci/web/viewer"
)

// errNobodyCouldLook says that the flags leave no way to know a viewer.
var errNobodyCouldLook = errors.New("nobody could look: give --session-keys, --trust-forwarded-token or --anonymous-token-file")

type webFlags struct {
	web.Options
	address, certificates    string
	keys, anonymousTokenFile string
	trustForwardedToken      bool
	store                    string
	oidc                     oidcFlags
	grace                    time.Duration
	log                      logger.Options
}

func newWebCommand() *cobra.Command {
	var flags webFlags
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Serve the web page, to each viewer with the viewer's own rights",
		Long: "Serve the web page. It has no rights of its own: each request to the API server is made\n" +
			"with the token of who looks. Viewers sign in with a token (--session-keys) or by an OpenID\n" +
			"Connect provider (--oidc-issuer), come through a proxy that sends theirs along\n" +
			"(--trust-forwarded-token), or share an account's (--anonymous-token-file). `kayci ui` serves\n" +
			"the same page to yourself.",
		Args: cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) {
			setLogger(flags.log)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := idle(cmd.Flags(), flags.purposes()); err != nil {
				return err
			}
			return flags.run(cmd.Context())
		},
	}
	flags.bind(cmd.Flags())
	return cmd
}

func (flags *webFlags) bind(f *pflag.FlagSet) {
	f.StringVar(&flags.address, "bind-address", ":8090", "address of the page")
	f.StringVar(&flags.certificates, "certificate-dir", "", "folder with tls.crt and tls.key to serve TLS by (default plain HTTP, for a proxy in front that speaks TLS)")
	f.StringVar(&flags.keys, "session-keys", "", "folder with the file key, of at least 32 random bytes, and perhaps key.old, the one before: viewers can sign in, and browsers keep their token sealed with it")
	f.BoolVar(&flags.TokenSignIn, "sign-in-with-token", true, "let viewers with --session-keys sign in with a token that they paste")
	flags.oidc.bind(f)
	f.BoolVar(&flags.trustForwardedToken, "trust-forwarded-token", false, "take the token of the header Authorization, which an authenticating proxy sends along")
	f.StringVar(&flags.anonymousTokenFile, "anonymous-token-file", "", "file with the token of an account that who hasn't signed in looks as, without changing anything")
	f.StringVar(&flags.store, "store", "", "Service of the store that keeps Runs beyond their deletion, as NAMESPACE/SERVICE (default there is none)")
	f.StringSliceVar(&flags.Namespaces, "namespaces", nil, "namespaces that a viewer is asked about who may not list namespaces, separated by commas")
	f.DurationVar(&flags.grace, "graceful-shutdown", 10*time.Second, "how long requests in flight may take to end at a shutdown")
	flags.log.BindFlags(f)
}

func (flags *webFlags) run(ctx context.Context) error {
	if err := flags.viewers(); err != nil {
		return err
	}
	var is bool
	if flags.Store.Namespace, flags.Store.Name, is = strings.Cut(flags.store, "/"); !is && flags.store != "" {
		return fmt.Errorf("--store: %q is no NAMESPACE/SERVICE", flags.store)
	}
	var err error
	if flags.Config, err = webCluster(os.Getenv, accountDir); err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	flags.Clock, flags.Log, flags.Stopping = clock.RealClock{}, ctrl.Log, ctx.Done()
	page, err := web.New(flags.Options)
	if err != nil {
		return err
	}
	certificates, err := certificatesOf(ctx, flags.certificates)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", flags.address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ctrl.Log.Info("serving the page", "address", listener.Addr().String(), "version", buildInfo().Version)
	return web.Serve(ctx, listener, page, certificates, flags.grace)
}

// viewers are those of the flags: a proxy's token counts before a session, and both
// before nobody's.
func (flags *webFlags) viewers() error {
	var modes viewer.First
	if flags.trustForwardedToken {
		modes = append(modes, viewer.Header{})
	}
	if flags.keys != "" {
		box := func() (*seal.Box, error) { return seal.Folder(flags.keys) }
		if _, err := box(); err != nil {
			return err
		}
		flags.Sessions = &viewer.Sessions{Box: box, Clock: clock.RealClock{}}
		modes = append(modes, flags.Sessions)
		var err error
		if flags.OpenID, err = flags.oidc.provider(box); err != nil {
			return err
		}
		if err := flags.oidc.actFor(&flags.Options); err != nil {
			return err
		}
	}
	if err := flags.signIns(); err != nil {
		return err
	}
	if flags.anonymousTokenFile != "" {
		flags.Anonymous = true
		modes = append(modes, viewer.Anonymous{File: flags.anonymousTokenFile})
	}
	if len(modes) == 0 {
		return errNobodyCouldLook
	}
	flags.Viewers = modes
	return nil
}

// signIns checks that the flags about signing in go together.
func (flags *webFlags) signIns() error {
	switch {
	case flags.oidc.issuer != "" && flags.keys == "":
		return errors.New("who signs in by --oidc-issuer needs a session: give --session-keys")
	case flags.keys != "" && flags.oidc.issuer == "" && !flags.TokenSignIn:
		return errors.New("nobody could sign in: give --oidc-issuer, or take --sign-in-with-token=false away")
	}
	return nil
}

// certificatesOf reads a folder's, again whenever they are replaced. Without a folder
// there are none.
func certificatesOf(ctx context.Context, dir string) (*tls.Config, error) {
	if dir == "" {
		return nil, nil //nolint:nilnil // Plain HTTP is a usual answer and no error.
	}
	watcher, err := certwatcher.New(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the page: %w", err)
	}
	go func() {
		// It ends with the process, and logs what it can't read.
		_ = watcher.Start(ctx)
	}()
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: watcher.GetCertificate}, nil
}
