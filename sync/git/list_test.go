package git_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/sync/git"
)

func TestList(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	one := r.commit("main", map[string]string{"a": "1"})
	r.git("", "tag", "light", one)
	r.git("", "tag", "-a", "-m", "annotated", "v1", one)
	r.git("", "update-ref", "refs/pull/7/head", one)
	two := r.commit("main", map[string]string{"a": "2"})
	other := r.commit("other/branch", map[string]string{"a": "3"})
	empty := newRepository(t)
	headless := newRepository(t)
	lone := headless.commit("other", map[string]string{"a": "1"})

	full := git.References{Default: "refs/heads/main", Commits: map[string]string{
		"refs/heads/main": two, "refs/heads/other/branch": other, "refs/tags/light": one, "refs/tags/v1": one,
	}}
	keys := newSSHKeys(t)
	address := r.serveSSH(keys)
	for name, test := range map[string]struct {
		req  git.Request
		want git.References
	}{
		"http":           {git.Request{URL: r.serveHTTP(plain)}, full},
		"git":            {git.Request{URL: r.serveGit()}, full},
		"ssh":            {git.Request{URL: r.sshURL(address), Auth: keys.secret(address)}, full},
		"empty":          {git.Request{URL: empty.serveHTTP(plain)}, git.References{Commits: map[string]string{}}},
		"empty, git":     {git.Request{URL: empty.serveGit()}, git.References{Commits: map[string]string{}}},
		"HEAD of naught": {git.Request{URL: headless.serveHTTP(plain)}, git.References{Commits: map[string]string{"refs/heads/other": lone}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := git.List(testContext(t), request(t, test.req.URL, test.req.Auth))
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("%v -want +got:\n%s", err, diff)
			}
		})
	}
}

func TestListFailure(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("main", map[string]string{"a": "1"})
	_, err := git.List(testContext(t), request(t, r.serveHTTP(basicAuth("user", "pass")), nil))
	if git.ReasonOf(err) != git.ReasonAuthenticationFailed {
		t.Errorf("without credentials: got %v", err)
	}
	if _, err := git.List(testContext(t), request(t, "file:///etc", nil)); git.ReasonOf(err) != git.ReasonInvalidURL {
		t.Errorf("a URL that is refused: got %v", err)
	}
}
