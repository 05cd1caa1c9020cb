package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// A step checks out a private repository. The steps behind it have the files and use
// git, as other users do, and find the credentials nowhere.
func TestCheckout(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	private := s.repository(t, "private/")
	first := s.push(t, private, map[string]string{"a.txt": "one"})
	second := s.push(t, private, map[string]string{"a.txt": "two"})
	credentials := shared.host.Credentials
	s.create(t, s.secret("git", map[string]string{"username": credentials.Username, "password": credentials.Password}))
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"checkout.jsonnet": fmt.Sprintf(`
		local ci = import 'kayci.libsonnet';
		local private(sha, dir, user, output=null) =
		  ci.checkout('$(KAYCI_GIT_URL)', sha, dir, secret='git', host='%s', http=true, user=user, output=output);
		local look = ci.script('docker.io/library/golang:1.26', |||
		  git -C src log --format=%%H
		  git -C src status --porcelain
		  printf '%%s, %%s, ' "$(cat src/a.txt)" "$(cat old/a.txt)"
		  echo changed >> src/a.txt
		  ls /git-secret 2> /dev/null || echo no secret
		  ! grep -r "$CANARY" . || echo found
		|||, env={ CANARY: '%s' });
		local work(user=null) = [private('main', 'src', user, output='commit'), private('$(KAYCI_GIT_SHA)', 'old', user), look];
		ci.pipeline('checkout', params=['git_url', 'git_sha'], jobs=[
		  ci.job('root', work()),
		  ci.job('group', work(1001)) + ci.pod({ securityContext: { runAsUser: 1002, fsGroup: 2000 } }),
		  ci.job('restricted', work()) + ci.restricted(),
		])`, shared.host.Address, credentials.Password)})
	s.create(t, s.configRepo("checkout", repository.URL))
	s.syncTo(t, "checkout", commit)
	start := func(name, sha string) {
		s.create(t, &v1alpha1.Run{ObjectMeta: s.meta(name), Spec: v1alpha1.RunSpec{
			Pipeline: "checkout", Params: map[string]string{"git_url": private.URL, "git_sha": sha},
		}})
	}
	start("good", first)
	const gone = "0123456789012345678901234567890123456789"
	start("gone", gone)

	run := s.awaitEnd(t, "good", v1alpha1.RunSucceeded)
	for i, job := range []string{"root", "group", "restricted"} {
		if diff := cmp.Diff(map[string]string{"commit": second}, run.Status.Jobs[i].Outputs); diff != "" {
			t.Errorf("outputs of %s (-want +got):\n%s", job, diff)
		}
		if diff := cmp.Diff(second+"\ntwo, one, no secret\n", s.log(t, "good", job, "main")); diff != "" {
			t.Errorf("log of %s (-want +got):\n%s", job, diff)
		}
		if log := s.log(t, "good", job, "checkout-src"); !strings.Contains(log, "Checked out "+second) || strings.Contains(log, credentials.Password) {
			t.Errorf("log of the checkout:\n%s", log)
		}
	}
	run = s.awaitEnd(t, "gone", v1alpha1.RunFailed)
	want := "container checkout-old exited with code 1: " + gone + " is gone from " + shared.host.Address + ": its branch was pushed by force or deleted; start a Run of the newest commit"
	if got := run.Status.Jobs[0].Message; got != want {
		t.Errorf("the job says %q, want %q", got, want)
	}
	if got := run.Status.Conditions[0].Message; !strings.Contains(got, "start a Run of the newest commit") {
		t.Errorf("the Run says %q", got)
	}
}
