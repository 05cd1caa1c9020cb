// Package gitea runs a real git host, Gitea, as a process of this machine, and
// speaks to its API: repositories, pull requests, webhooks and commit statuses are
// what they are to the people who use one. A person may look at its pages, which
// have Gitea's style and none of its scripts: menus don't open.
//
// Package githost is a plainer host, of repositories alone.
package gitea

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/test/process"
)

// Program is Gitea, as it was built.
type Program struct {
	// Path of the program, and Files, the folder of what it reads while it runs.
	Path  string `json:"program"`
	Files string `json:"files"`
}

// Build builds Gitea from what local/gitea pins, unless that is done, which takes
// minutes. source is this tree's root, and a person sees on out how it goes.
func Build(ctx context.Context, source string, out io.Writer) (Program, error) {
	cmd := exec.CommandContext(ctx, "go", "run", "-C", filepath.Join(source, "local"), ".", "gitea")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, out
	var p Program
	if err := cmd.Run(); err != nil {
		return p, fmt.Errorf("build Gitea: %w", err)
	}
	if err := json.Unmarshal(said.Bytes(), &p); err != nil {
		return p, fmt.Errorf("read where Gitea is: %w", err)
	}
	return p, nil
}

// Options of a server.
type Options struct {
	Program Program
	// Dir is an empty folder, which holds all that it stores and its log.
	Dir string
	// Host is the address of this machine that it listens at, on a port that is free.
	Host string
}

// Server is Gitea with data of its own.
type Server struct {
	// URL of its pages, without a slash at the end.
	URL string

	options Options
	admin   *Client
	process *process.Process
}

// admin is the name of its first user.
const admin = "gitea-admin"

// patience is how long it may take to start on a machine that does much else.
const patience = 2 * time.Minute

// Start sets a server up, starts it, and returns when it answers.
func Start(ctx context.Context, options Options) (*Server, error) {
	address, err := freeAddress(ctx, options.Host)
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + address, options: options}
	if err := configure(options.Program.Files, options.Dir, address); err != nil {
		return nil, fmt.Errorf("configure Gitea: %w", err)
	}
	if _, err := s.run(ctx, "migrate"); err != nil {
		return nil, err
	}
	said, err := s.run(ctx, "admin", "user", "create", "--admin", "--username", admin, "--email", admin+"@example.com",
		"--random-password", "--must-change-password=false", "--access-token")
	if err != nil {
		return nil, err
	}
	words := strings.Fields(said)
	if len(words) == 0 {
		return nil, errors.New("set Gitea up: it has said no token of its first user")
	}
	s.admin = &Client{url: s.URL, username: admin, token: words[len(words)-1]}
	return s, s.Resume(ctx)
}

// Admin is a client with the rights of an administrator, who has no password.
func (s *Server) Admin() *Client { return s.admin }

// Resume starts a server that was stopped, with its data and at its address, and
// returns when it answers.
func (s *Server) Resume(ctx context.Context) error {
	started, err := process.Start(ctx, process.Command{
		Name: "gitea", Log: s.Log(), Env: environment(),
		Program: s.options.Program.Path, Args: s.arguments("web"),
	})
	if err != nil {
		return err
	}
	s.process = started
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		if err := s.process.Alive(); err != nil {
			return false, err
		}
		return s.healthy(ctx), nil
	})
	if err != nil {
		return errors.Join(fmt.Errorf("wait until Gitea answers: %w\n%s", err, s.process.Tail()), s.Stop())
	}
	return nil
}

// Stop ends the server and returns when its process is gone. Stopping twice is fine.
func (s *Server) Stop() error { return s.process.Stop() }

// Log is the file that it logs to.
func (s *Server) Log() string { return filepath.Join(s.options.Dir, "gitea.log") }

func (s *Server) healthy(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/healthz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := direct().Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// run runs one of its commands and returns what that prints.
func (s *Server) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.options.Program.Path, s.arguments(args...)...)
	cmd.Env = append(os.Environ(), environment()...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		// Not what it has printed, which may be a token.
		return "", fmt.Errorf("gitea %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

func (s *Server) arguments(args ...string) []string {
	return append(args, "--work-path", s.options.Dir, "--config", configFile(s.options.Dir))
}

// environment lets it run as root, as who starts a local cluster does, and has it
// use no proxy: all that it speaks to is here.
func environment() []string {
	return []string{"GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true", "NO_PROXY=*", "no_proxy=*"}
}

// freeAddress is one that nothing listens at, chosen so that no other server's is
// likely to be the same, also while that is stopped. Its port is below those that
// Linux takes for outgoing connections, of which one could have it then.
func freeAddress(ctx context.Context, host string) (string, error) {
	const first, count, tries = 20000, 10000, 100
	var err error
	for range tries {
		var offset *big.Int
		if offset, err = rand.Int(rand.Reader, big.NewInt(count)); err != nil {
			return "", err
		}
		address := net.JoinHostPort(host, strconv.FormatInt(first+offset.Int64(), 10))
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err == nil {
			return address, listener.Close()
		}
	}
	return "", fmt.Errorf("find a free port of %s: %w", host, err)
}
