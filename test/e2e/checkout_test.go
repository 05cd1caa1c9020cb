package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

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

// Files of Git LFS are what they stand for in the steps behind, whose git, without Git
// LFS, takes them for unchanged.
func TestCheckoutOfLargeFiles(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	private := s.repository(t, "private/")
	pointer := shared.host.LFS.Add("large " + s.namespace)
	s.push(t, private, map[string]string{".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.bin": pointer, ".lfsconfig": "[lfs]\n\turl = https://evil.example\n"})
	credentials := shared.host.Credentials
	s.create(t, s.secret("git", map[string]string{"username": credentials.Username, "password": credentials.Password}))
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"large.jsonnet": fmt.Sprintf(`
		local ci = import 'kayci.libsonnet';
		ci.pipeline('large', jobs=[ci.job('look', [
		  ci.checkout('%s', 'main', secret='git', host='%s', http=true, lfs=true),
		  ci.script('docker.io/library/golang:1.26', 'cat a.bin; git status --porcelain'),
		]) + ci.restricted()])`, private.URL, shared.host.Address)})
	s.create(t, s.configRepo("large", repository.URL))
	s.syncTo(t, "large", commit)
	s.start(t, "r", "large")
	s.awaitEnd(t, "r", v1alpha1.RunSucceeded)
	if diff := cmp.Diff("large "+s.namespace, s.log(t, "r", "look", "main")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// The Pipelines of the document keep a mirror, and check out with it.
func TestCheckoutWithAMirror(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	document, err := os.ReadFile("../../docs/pipelines.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(document), "\n### A mirror\n")
	_, section, _ = strings.Cut(section, "```jsonnet\n")
	pipelines, _, _ := strings.Cut(section, "```\n")
	code := s.namedRepository(t, s.namespace+"-code")
	first := s.push(t, code, map[string]string{"go.mod": "module example.com/web\n", "web.go": "package web\n"})
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{
		"mirror.jsonnet": "local ci = import 'kayci.libsonnet';\n" + strings.ReplaceAll(pipelines, "https://git.example.com/acme/web.git", code.URL),
	})
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: s.meta("mirrors"), Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Mi")}},
	}}
	s.create(t, claim)
	s.create(t, s.configRepo("mirror", repository.URL))
	s.syncTo(t, "mirror", commit)
	said := func(run string) string {
		s.start(t, run, "web")
		s.awaitEnd(t, run, v1alpha1.RunSucceeded)
		return s.log(t, run, "test", "checkout")
	}
	checkedOut := func(commit string) string { return "Checked out " + commit + " of " + code.URL }
	if log := said("before"); !strings.Contains(log, "Warning: the mirror can't be used") || !strings.Contains(log, checkedOut(first)) {
		t.Errorf("without a mirror the step says:\n%s", log)
	}
	s.start(t, "refresh", "mirror")
	s.awaitEnd(t, "refresh", v1alpha1.RunSucceeded)
	second := s.push(t, code, map[string]string{"web.go": "package web // Changed.\n"})
	if log := said("after"); !strings.HasPrefix(log, "The mirror has some of it") || !strings.Contains(log, checkedOut(second)) {
		t.Errorf("with a mirror the step says:\n%s", log)
	}
}
