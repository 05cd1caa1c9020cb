package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/checkout/plan"
)

const (
	address = "https://git.example.com/acme/web.git"
	commit  = "0123456789abcdef0123456789abcdef01234567"
)

// described is a Source as text, without what is blank.
func described(s plan.Source) string {
	if s.Remote == (plan.Remote{}) {
		return ""
	}
	parts := []string{s.Remote.String(), "commit " + s.Commit, "ref " + s.Ref, "host " + s.Host}
	var said []string
	for _, part := range parts {
		if !strings.HasSuffix(part, " ") {
			said = append(said, part)
		}
	}
	return strings.Join(said, ", ")
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   plan.Input
		want string
	}{
		"a commit":                       {plan.Input{URL: address, SHA: strings.ToUpper(commit)}, address + ", commit " + commit},
		"a commit of SHA-256":            {plan.Input{URL: address, SHA: commit + commit[:24]}, address + ", commit " + commit + commit[:24]},
		"a branch":                       {plan.Input{URL: address, SHA: "feature/new-1.0_x"}, address + ", ref feature/new-1.0_x"},
		"both":                           {plan.Input{URL: address, SHA: commit, Ref: "refs/heads/main"}, address + ", commit " + commit + ", ref refs/heads/main"},
		"credentials for its host":       {plan.Input{URL: address, SHA: "main", Credentials: true}, address + ", ref main, host git.example.com"},
		"credentials for a port":         {plan.Input{URL: "https://Git.example.com:443/a/b", SHA: "main", Credentials: true, Host: "git.example.com"}, "https://Git.example.com:443/a/b, ref main, host git.example.com"},
		"ssh":                            {plan.Input{URL: "ssh://git@git.example.com:2222/a", SHA: "main", Credentials: true, Host: "git.example.com:2222"}, "ssh://git@git.example.com:2222/a, ref main, host git.example.com:2222"},
		"plain http":                     {plan.Input{URL: "http://git.example.com/a", SHA: "main"}, "http://git.example.com/a, ref main"},
		"credentials over http":          {plan.Input{URL: "http://git.example.com/a", SHA: "main", Credentials: true}, "error: credentials are not sent over http://, where everybody on the way reads them: use https://, or allow it (http=true, --http)"},
		"the same, allowed":              {plan.Input{URL: "http://git.example.com/a", SHA: "main", Credentials: true, PlainHTTP: true}, "http://git.example.com/a, ref main, host git.example.com"},
		"credentials for another":        {plan.Input{URL: address, SHA: "main", Credentials: true, Host: "github.com"}, "error: the URL's host is git.example.com, and the credentials are for github.com: they are not sent to another"},
		"credentials for another port":   {plan.Input{URL: "https://git.example.com:8443/a", SHA: "main", Credentials: true, Host: "git.example.com"}, "error: the URL's host is git.example.com:8443, and the credentials are for git.example.com: they are not sent to another"},
		"no URL":                         {plan.Input{SHA: "main"}, "error: the URL must begin with https://, ssh:// or http://"},
		"a parameter that isn't there":   {plan.Input{URL: "$(KAYCI_GIT_URL)", SHA: "main"}, "error: the URL is the parameter git_url, which the Pipeline doesn't declare: add it to params, or say another"},
		"a commit that isn't there":      {plan.Input{URL: address, SHA: "$(KAYCI_GIT_SHA)"}, "error: the sha is the parameter git_sha, which the Pipeline doesn't declare: add it to params, or say another"},
		"a mirror of some folders":       {plan.Input{URL: address, SHA: "main", Mirror: "/mirror", Paths: []string{"docs"}}, "error: a mirror gives all files, and with paths but some are fetched: leave out one of the two"},
		"a file":                         {plan.Input{URL: "file:///etc", SHA: "main"}, "error: the URL must begin with https://, ssh:// or http://"},
		"a program":                      {plan.Input{URL: "ext::sh -c touch% /tmp/x", SHA: "main"}, "error: the URL must begin with https://, ssh:// or http://"},
		"a helper":                       {plan.Input{URL: "https::https://git.example.com/a", SHA: "main"}, "error: the URL must name a host and a repository"},
		"git's own protocol":             {plan.Input{URL: "git://git.example.com/a", SHA: "main"}, "error: the URL must begin with https://, ssh:// or http://"},
		"a host as scp writes it":        {plan.Input{URL: "git@git.example.com:a/b", SHA: "main"}, "error: the URL is malformed"},
		"an option":                      {plan.Input{URL: "--upload-pack=touch", SHA: "main"}, "error: the URL must begin with https://, ssh:// or http://"},
		"a host that is an option":       {plan.Input{URL: "ssh://-oProxyCommand=touch/a", SHA: "main"}, "error: the URL names a host or user that begins with a dash"},
		"a user that is an option":       {plan.Input{URL: "ssh://-oProxyCommand=x@h/a", SHA: "main"}, "error: the URL names a host or user that begins with a dash"},
		"a password":                     {plan.Input{URL: "https://u:canary@git.example.com/a", SHA: "main"}, "error: the URL must not hold a user name or password: put credentials into a Secret"},
		"a token":                        {plan.Input{URL: "https://canary@git.example.com/a", SHA: "main"}, "error: the URL must not hold a user name or password: put credentials into a Secret"},
		"a query":                        {plan.Input{URL: address + "?a=b", SHA: "main"}, "error: the URL must not have a query or fragment"},
		"a line end":                     {plan.Input{URL: address + "%0ahost=evil", SHA: "main"}, "error: the URL holds a space or control character"},
		"no commit":                      {plan.Input{URL: address}, `error: the sha "" is neither a commit's whole hash nor the name of a branch or tag`},
		"a commit that is an option":     {plan.Input{URL: address, SHA: "-uid"}, `error: the sha "-uid" is neither a commit's whole hash nor the name of a branch or tag`},
		"two refs":                       {plan.Input{URL: address, SHA: "main:refs/heads/x"}, `error: the sha "main:refs/heads/x" is neither a commit's whole hash nor the name of a branch or tag`},
		"a forced ref":                   {plan.Input{URL: address, SHA: "+main"}, `error: the sha "+main" is neither a commit's whole hash nor the name of a branch or tag`},
		"a pattern":                      {plan.Input{URL: address, SHA: commit, Ref: "refs/heads/*"}, `error: the ref "refs/heads/*" is neither a commit's whole hash nor the name of a branch or tag`},
		"an expression":                  {plan.Input{URL: address, SHA: "main~1"}, `error: the sha "main~1" is neither a commit's whole hash nor the name of a branch or tag`},
		"a ref that leads up":            {plan.Input{URL: address, SHA: "a/../b"}, `error: the sha "a/../b" is neither a commit's whole hash nor the name of a branch or tag`},
		"a ref that is a lock":           {plan.Input{URL: address, SHA: "a.lock/b"}, `error: the sha "a.lock/b" is neither a commit's whole hash nor the name of a branch or tag`},
		"a line end in a ref":            {plan.Input{URL: address, SHA: "a\nb"}, `error: the sha "a\nb" is neither a commit's whole hash nor the name of a branch or tag`},
		"less than nothing":              {plan.Input{URL: address, SHA: "main", Depth: -1}, "error: the depth must be 0, which is the whole history, or more"},
		"a folder above":                 {plan.Input{URL: address, SHA: "main", Paths: []string{"a/../../b"}}, `error: the path "a/../../b" must be a folder of the repository, such as docs or web/src`},
		"a folder that is an option":     {plan.Input{URL: address, SHA: "main", Paths: []string{"--stdin"}}, `error: the path "--stdin" must be a folder's name, and no pattern`},
		"a folder that is a pattern":     {plan.Input{URL: address, SHA: "main", Paths: []string{"src", "!docs"}}, `error: the path "!docs" must be a folder's name, and no pattern`},
		"a folder that is the root's":    {plan.Input{URL: address, SHA: "main", Paths: []string{"."}}, `error: the path "." must be a folder of the repository, such as docs or web/src`},
		"a ref of a parameter not there": {plan.Input{URL: address, SHA: commit, Ref: "$(KAYCI_BRANCH)"}, "error: the ref is the parameter branch, which the Pipeline doesn't declare: add it to params, or say another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := plan.Read(tt.in)
			got := described(s)
			if err != nil {
				got = "error: " + err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	read := func(in plan.Input) plan.Source {
		in.URL = address
		s, err := plan.Read(in)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	lines := func(commands []plan.Command) []string {
		var lines []string
		for _, command := range commands {
			lines = append(lines, strings.Join(command, " "))
		}
		return lines
	}
	const fetch = "fetch --quiet --no-tags --no-recurse-submodules "
	const borrow = "-c protocol.file.allow=always fetch --quiet --no-tags --no-recurse-submodules --no-write-fetch-head " +
		"--upload-pack=GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1 git -c safe.directory='*' upload-pack "
	for name, tt := range map[string]struct{ got, want []string }{
		"a new repository": {lines(read(plan.Input{SHA: "main"}).Init()), []string{"init --quiet --template= --initial-branch=main", "remote add origin " + address}},
		"a branch":         {lines(read(plan.Input{SHA: "main", Depth: 1}).Fetches()), []string{fetch + "--depth=1 origin main"}},
		"a commit": {lines(read(plan.Input{SHA: commit, Depth: 1}).Fetches()), []string{
			fetch + "--depth=1 origin " + commit,
			fetch + "--depth=1 origin +refs/heads/*:refs/remotes/origin/* +refs/tags/*:refs/tags/*",
			fetch + "--deepen=100 origin +refs/heads/*:refs/remotes/origin/* +refs/tags/*:refs/tags/*",
			fetch + "--deepen=1000 origin +refs/heads/*:refs/remotes/origin/* +refs/tags/*:refs/tags/*",
			fetch + "--unshallow origin +refs/heads/*:refs/remotes/origin/* +refs/tags/*:refs/tags/*",
		}},
		"a commit of a branch, with tags and a folder": {lines(read(plan.Input{SHA: commit, Ref: "main", Tags: true, Paths: []string{"docs"}}).Fetches()), []string{
			fetch + "--filter=blob:none origin " + commit + " +refs/tags/*:refs/tags/*",
			fetch + "--filter=blob:none origin main +refs/tags/*:refs/tags/*",
		}},
		"a mirror": {lines(read(plan.Input{SHA: commit, Ref: "main", Merge: "main", Depth: 1, Mirror: "/mirror"}).FromMirror()), []string{
			borrow + "--depth=1 /mirror +" + commit + ":refs/kayci/mirror/0",
			borrow + "--depth=1 /mirror +main:refs/kayci/mirror/1",
			borrow + "--depth=1 /mirror +HEAD:refs/kayci/mirror/2",
		}},
		"a mirror of all history": {lines(read(plan.Input{SHA: "main", Mirror: "/mirror"}).FromMirror()), []string{
			borrow + "/mirror +main:refs/kayci/mirror/0", borrow + "/mirror +HEAD:refs/kayci/mirror/1",
		}},
		"no mirror any more": {lines(read(plan.Input{SHA: "main", Mirror: "/mirror"}).ForgetMirror()), []string{
			"update-ref -d refs/kayci/mirror/0", "update-ref -d refs/kayci/mirror/1",
		}},
		"files": {lines(read(plan.Input{SHA: "main"}).Write(commit)), []string{"checkout --quiet --force --detach " + commit}},
		"files of folders": {lines(read(plan.Input{SHA: "main", Paths: []string{"docs", "web/src"}}).Write(commit)), []string{
			"sparse-checkout set --cone docs web/src", "checkout --quiet --force --detach " + commit,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What git of several versions says.
func TestExplain(t *testing.T) {
	t.Parallel()
	source, err := plan.Read(plan.Input{URL: address, SHA: commit, Depth: 1})
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{
		"fatal: unable to access 'https://git.example.com/acme/web.git/': Could not resolve host: git.example.com\n":                                    "git.example.com can't be reached, or broke off",
		"error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly\nfatal: early EOF\n":                                                         "git.example.com can't be reached, or broke off",
		"fatal: unable to access 'x': The requested URL returned error: 503":                                                                            "git.example.com can't be reached, or broke off",
		"fatal: unable to access 'x': Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds":                                        "git.example.com can't be reached, or broke off",
		"remote: Invalid username or token.\nfatal: Authentication failed for 'https://git.example.com/acme/web.git/'\n":                                "git.example.com wants credentials for " + address,
		"fatal: could not read Username for 'https://git.example.com': terminal prompts disabled":                                                       "git.example.com wants credentials for " + address,
		"remote: Repository not found.\nfatal: repository 'https://git.example.com/acme/web.git/' not found":                                            "git.example.com knows no repository",
		"fatal: remote error: upload-pack: not our ref " + commit:                                                                                       commit + " is gone from git.example.com",
		"error: Server does not allow request for unadvertised object " + commit:                                                                        "git.example.com lets nobody fetch a commit by its hash",
		"fatal: unable to access 'x': SSL certificate problem: self-signed certificate":                                                                 "git.example.com doesn't prove to be the host that is trusted",
		"fatal: unable to access 'x': server certificate verification failed. CAfile: none CRLfile: none":                                               "git.example.com doesn't prove to be the host that is trusted",
		"fatal: unable to access 'x': The requested URL returned error: 302":                                                                            "git.example.com redirects to where nothing is fetched from",
		"fatal: transport 'file' not allowed":                                                                                                           "git.example.com redirects to where nothing is fetched from",
		"fatal: write error: No space left on device\nfatal: early EOF":                                                                                 "the volume is full",
		"fatal: --unshallow on a complete repository does not make sense":                                                                               commit + " is gone from git.example.com",
		"error: object " + commit + " is odd":                                                                                                           "git failed; git says: error: object " + commit + " is odd",
		"hint: try\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n": "git.example.com can't be reached, or broke off: try again, and see whether pods may connect to it",
		"Error downloading object: a.bin (abababa): Smudge error: Error downloading a.bin (ab): [ab] Object does not exist on the server: [404] Object does not exist on the server\n\n" +
			"Errors logged to '/x/lfs/logs/1.log'.\nUse `git lfs logs last` to view the log.\nerror: external filter 'x' failed\nfatal: a.bin: smudge filter lfs failed\n": "git.example.com has not all files of Git LFS that the commit names: push them (git lfs push --all); git says: Error downloading object: a.bin",
		"Smudge error: Error downloading a.bin (ab): batch response: Repository or object not found: https://git.example.com/x\n":                     "git.example.com has no server of Git LFS for " + address,
		"batch response: This repository is over its data quota. Account responsible for LFS bandwidth should purchase more\n":                        "git.example.com sends no more files of Git LFS",
		"Smudge error: Error downloading a.bin (ab): expected OID ab, got cd after 5 bytes written\n":                                                 "git.example.com has sent another file than the commit names",
		"Smudge error: smudge filter: extension 'evil' is not configured\n":                                                                           "a file of Git LFS wants an extension",
		"Smudge error: write /x: no space left on device\nfatal: a.bin: smudge filter lfs failed\n":                                                   "the volume is full",
		"Post \"https://git.example.com/x\": dial tcp 192.0.2.1:443: connect: connection refused\n":                                                   "git.example.com can't be reached, or broke off",
		"Post \"https://git.example.com/x\": x509: certificate signed by unknown authority\n":                                                         "git.example.com doesn't prove to be the host that is trusted",
		"error: external filter 'x' failed\nfatal: a.bin: smudge filter lfs failed\n":                                                                 "not all files of Git LFS came from git.example.com",
		"connect to ssh://git.example.com/x: the server refused the key\nfatal: Could not read from remote repository.":                               "git.example.com wants credentials for " + address,
		"connect to ssh://git.example.com/x: the server's ssh-rsa key is not the one in known_hosts\nfatal: Could not read from remote repository.":   "git.example.com doesn't prove to be the host that is trusted",
		"connect to ssh://git.example.com/x: the Secret's identity is encrypted: add its passphrase\nfatal: Could not read from remote repository.\n": "the Secret can't be used for git.example.com; git says: connect to",
	} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			got := source.Explain(plan.KindOf(said), said)
			if !strings.HasPrefix(got, want) {
				t.Errorf("%q is explained by %q, want %q", said, got, want)
			}
			if len(got) > 1000 {
				t.Errorf("the explanation has %d bytes", len(got))
			}
		})
	}
}
