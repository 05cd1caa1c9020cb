package gitea

import (
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// look is what makes pages legible. Gitea's style sheets are built with tools that
// aren't here, and most of their sources are what browsers take as they are.
//
//go:embed all:look
var look embed.FS

func configFile(dir string) string { return filepath.Join(dir, "app.ini") }

// configure writes all that a server is to find in its folder.
func configure(files, dir, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(configFile(dir), []byte(configuration(files, dir, host, port)), 0o600); err != nil {
		return err
	}
	sheets, err := fs.Sub(look, "look")
	if err != nil {
		return err
	}
	assets := filepath.Join(dir, "custom", "public", "assets")
	if err := os.CopyFS(assets, sheets); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(files, "web_src", "css"), filepath.Join(assets, "source"))
}

// configuration is its app.ini: nothing but git over HTTP with Git LFS, pull
// requests, webhooks and the API, and no connection to the outside.
func configuration(files, dir, host, port string) string {
	return fmt.Sprintf(`RUN_MODE = prod

[server]
HTTP_ADDR = %[3]s
HTTP_PORT = %[4]s
ROOT_URL = http://%[5]s/
STATIC_ROOT_PATH = %[1]s
OFFLINE_MODE = true
DISABLE_SSH = true
LFS_START_SERVER = true
GRACEFUL_HAMMER_TIME = 5s

[database]
DB_TYPE = sqlite3
PATH = %[2]s/gitea.db

[repository]
ROOT = %[2]s/repositories
DEFAULT_BRANCH = main

[security]
INSTALL_LOCK = true
SECRET_KEY = %[6]s

[service]
DISABLE_REGISTRATION = true

[webhook]
ALLOWED_HOST_LIST = loopback,private,external
PAGING_NUM = 100

[indexer]
ISSUE_INDEXER_TYPE = db

[lfs]
PATH = %[2]s/lfs

[session]
PROVIDER = memory

[log]
MODE = console
LEVEL = Warn

[actions]
ENABLED = false

[cron]
ENABLED = false

[oauth2]
ENABLED = false

[packages]
ENABLED = false
`, files, dir, host, port, net.JoinHostPort(host, port), rand.Text())
}
