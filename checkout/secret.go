package checkout

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/kayci/kayci/checkout/plan"
)

// maxSecret is more than any key of a Secret needs here.
const maxSecret = 64 << 10

// The keys of a Secret, which are those of a ConfigRepo's.
const (
	keyUsername    = "username"
	keyPassword    = "password"
	keyBearerToken = "bearerToken"
	keyIdentity    = "identity"
	keyKnownHosts  = "known_hosts"
	keyCA          = "ca.crt"
)

// secret is what a Secret holds, by its keys.
type secret map[string][]byte

// readSecret reads the files of a Secret, and checks that they fit the source.
func readSecret(folder string, source plan.Source) (secret, error) {
	auth := secret{}
	if folder == "" {
		if source.Remote.Scheme() == "ssh" {
			return nil, errors.New("ssh:// needs a Secret with the keys identity and known_hosts: name it, or use https://")
		}
		return auth, nil
	}
	for _, key := range []string{keyUsername, keyPassword, keyBearerToken, keyIdentity, keyKnownHosts, keyCA} {
		value, err := readKey(filepath.Join(folder, key))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the Secret's key %s: %w", key, err)
		}
		auth[key] = value
	}
	for _, line := range []string{keyUsername, keyPassword, keyBearerToken} {
		auth[line] = []byte(strings.TrimRight(string(auth[line]), "\r\n"))
		if strings.ContainsAny(string(auth[line]), "\r\n\x00") {
			return nil, fmt.Errorf("the Secret's key %s must be one line", line)
		}
	}
	return auth, auth.fit(source)
}

func readKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	value, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if len(value) > maxSecret {
		return nil, errors.New("it is larger than 64 KiB")
	}
	return value, err
}

func (s secret) fit(source plan.Source) error {
	has := func(key string) bool { return len(s[key]) > 0 }
	switch {
	case source.Remote.Scheme() == "ssh" && (!has(keyIdentity) || !has(keyKnownHosts)):
		return errors.New("ssh:// needs a Secret with the keys identity and known_hosts")
	case source.Remote.Scheme() != "ssh" && !has(keyPassword) && !has(keyBearerToken) && !has(keyCA):
		return fmt.Errorf("%s:// needs a Secret with the keys username and password, or bearerToken, or ca.crt", source.Remote.Scheme())
	default:
		return nil
	}
}

// login is what the host is told; the name is any where the password is a token.
func (s secret) login() (username, password string) {
	username = string(s[keyUsername])
	if username == "" {
		username = "git"
	}
	return username, string(s[keyPassword])
}

// hider takes texts out of which a host may have made a credential's echo.
type hider []string

func newHider(auth secret) hider {
	var h hider
	username, password := auth.login()
	if password != "" {
		h = append(h, password, url.QueryEscape(password), url.PathEscape(password),
			base64.StdEncoding.EncodeToString([]byte(username+":"+password)))
	}
	if token := string(auth[keyBearerToken]); token != "" {
		h = append(h, token, base64.StdEncoding.EncodeToString([]byte(token)))
	}
	for line := range strings.Lines(string(auth[keyIdentity])) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-----") {
			h = append(h, line)
		}
	}
	return h
}

// from returns a text without the lines that repeat a credential. To cut out the
// credential alone would tell a short one.
func (h hider) from(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		for _, hidden := range h {
			if strings.Contains(line, hidden) {
				line = "(withheld: it repeats a credential)\n"
				break
			}
		}
		kept.WriteString(line)
	}
	return kept.String()
}
