package githost

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/kayci/kayci/test/gitclone"
)

// SSH serves a host's repositories to one user, git, who may read all of them.
type SSH struct {
	// Address is the TCP address that they are served at.
	Address string
	// Identity is the user's private key, and KnownHosts the server's public one, as a
	// Secret holds them.
	Identity, KnownHosts string

	host     *Host
	config   *ssh.ServerConfig
	listener net.Listener
}

// URL of a repository.
func (s *SSH) URL(name string) string { return "ssh://git@" + s.Address + "/" + name + ".git" }

// StartSSH serves the repositories by ssh, too, on a TCP address.
func (h *Host) StartSSH(ctx context.Context, address string) (*SSH, error) {
	server, _, err := newKey()
	if err != nil {
		return nil, err
	}
	user, identity, err := newKey()
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for ssh clients: %w", err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() != "git" || !bytes.Equal(key.Marshal(), user.PublicKey().Marshal()) {
			return nil, errors.New("no such user")
		}
		return nil, nil //nolint:nilnil // The user has no limits.
	}}
	config.AddHostKey(server)
	s := &SSH{
		Address: listener.Addr().String(), Identity: identity, host: h, config: config, listener: listener,
		KnownHosts: knownhosts.Line([]string{listener.Addr().String()}, server.PublicKey()) + "\n",
	}
	go s.accept(ctx)
	return s, nil
}

// Stop ends the server for new clients.
func (s *SSH) Stop() error { return s.listener.Close() }

func (s *SSH) accept(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			s.serve(ctx, conn)
		}()
	}
}

func (s *SSH) serve(ctx context.Context, conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		for request := range requests {
			if request.Type != "exec" {
				_ = request.Reply(false, nil)
				continue
			}
			_ = request.Reply(true, nil)
			// What stands before the command is its length.
			status := s.execute(ctx, string(request.Payload[4:]), channel)
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, status})
			_ = channel.Close()
		}
	}
}

// execute runs the command as sshd does, and returns the exit status.
func (s *SSH) execute(ctx context.Context, command string, channel ssh.Channel) byte {
	if path, is := strings.CutPrefix(command, "git-lfs-authenticate "); is {
		return s.authenticateLFS(strings.Trim(strings.TrimSuffix(path, " download"), "'"), channel)
	}
	// A path begins at the folder of the repositories.
	cmd := exec.CommandContext(ctx, "sh", "-c", `eval "set -- $1"; exec "$1" ".$2"`, "sh", command)
	cmd.Dir = s.host.Dir
	cmd.Env = append(append(os.Environ(), gitclone.Isolated()...), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	stdin, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(stdin, channel)
		_ = stdin.Close()
	}()
	if cmd.Wait() != nil {
		return 1
	}
	return 0
}

// authenticateLFS says where Git LFS downloads from, and how it proves there that it may.
func (s *SSH) authenticateLFS(path string, channel ssh.Channel) byte {
	token := base64.StdEncoding.EncodeToString([]byte(s.host.Credentials.Username + ":" + s.host.Credentials.Password))
	err := json.NewEncoder(channel).Encode(map[string]any{
		"href":   "http://" + s.host.Address + "/" + strings.TrimPrefix(path, "/") + "/info/lfs",
		"header": map[string]string{"Authorization": "Basic " + token},
	})
	if err != nil {
		return 1
	}
	return 0
}

func newKey() (signer ssh.Signer, private string, err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	signer, err = ssh.NewSignerFromKey(key)
	return signer, string(pem.EncodeToMemory(block)), err
}
