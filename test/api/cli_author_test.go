package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/author"
	"github.com/kayci/kayci/cli/doctor"
	"github.com/kayci/kayci/render"
)

// kubeconfigOf writes a kubeconfig by which a command reaches the API server.
func kubeconfigOf(t *testing.T, cfg *rest.Config, namespace string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	config.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData, Token: cfg.BearerToken}
	config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u", Namespace: namespace}
	config.CurrentContext = "x"
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// ending is what a command has written, and how it has ended.
type ending struct {
	Out, Err string
	Code     int
}

// authorCommand runs one as a person with the kubeconfig does.
func authorCommand(t *testing.T, kubeconfig string, args ...string) ending {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	env := cli.NewEnv(cli.Program{
		Name: "kayci", Version: "v1.2.3", In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv: func(string) string { return "" },
	})
	root := &cobra.Command{Use: "kayci", SilenceErrors: true, SilenceUsage: true}
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.AddCommand(author.Commands(&author.Tools{
		Env: env, Image: "registry.example.com/kayci:v1.2.3",
		Evaluate: func() ([]string, error) { return []string{self, evaluateArgument}, nil },
	})...)
	root.AddCommand(doctor.Command(env))
	root.SetArgs(append(args, "--kubeconfig", kubeconfig))
	err = root.ExecuteContext(t.Context())
	end := ending{Out: out.String(), Err: errs.String()}
	var exit *cli.ExitError
	switch {
	case errors.As(err, &exit):
		end.Code = exit.Code
	case err != nil:
		end.Code = cli.ExitFault
	}
	if err != nil && (exit == nil || exit.Err != nil) {
		end.Err += err.Error()
	}
	return end
}

// folderOf writes objects as the files of a config repository.
func folderOf(t *testing.T, objects ...render.Object) string {
	t.Helper()
	dir := t.TempDir()
	for i, o := range objects {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		delete(fields, "status")
		unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// versions are the resourceVersions of all that a namespace has of KayCI.
func (s *applySite) versions(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, list := range []client.ObjectList{&v1alpha1.PipelineList{}, &v1alpha1.TriggerList{}, &v1alpha1.ConfigRepoList{}, &v1alpha1.RunList{}} {
		if err := s.List(t.Context(), list, client.InNamespace(s.namespace)); err != nil {
			t.Fatal(err)
		}
		switch l := list.(type) {
		case *v1alpha1.PipelineList:
			for _, o := range l.Items {
				found["Pipeline/"+o.Name] = o.ResourceVersion
			}
		case *v1alpha1.TriggerList:
			for _, o := range l.Items {
				found["Trigger/"+o.Name] = o.ResourceVersion
			}
		case *v1alpha1.ConfigRepoList:
			for _, o := range l.Items {
				found["ConfigRepo/"+o.Name] = o.ResourceVersion
			}
		case *v1alpha1.RunList:
			for _, o := range l.Items {
				found["Run/"+o.Name] = o.ResourceVersion
			}
		}
	}
	return found
}

// repo makes the ConfigRepo that the site's objects are of.
func (s *applySite) repo(t *testing.T, edit func(*v1alpha1.ConfigRepoSpec)) {
	t.Helper()
	repo := &v1alpha1.ConfigRepo{}
	repo.Namespace, repo.Name = s.namespace, "mine"
	repo.Spec.URL = "https://git.example.com/acme/pipelines.git"
	if edit != nil {
		edit(&repo.Spec)
	}
	if err := s.Create(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	repo.Status.Inventory = s.inventory
	if err := s.Status().Update(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
}

func TestDiffWritesNothing(t *testing.T) {
	s := newApplySite(t)
	push, web, old, lib := s.trigger("push", "web", nil), s.pipeline("web", "test"), s.pipeline("old", "test"), s.pipeline("lib", "test")
	s.mustSync(t, push, web, old, lib)
	s.repo(t, nil)
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	before := s.versions(t)

	same := folderOf(t, push, web, old, lib)
	wantEqual(t, "nothing differs", ending{}, authorCommand(t, kubeconfig, "diff", same, "--configrepo=mine"))
	wantEqual(t, "nothing differs, without a ConfigRepo", ending{}, authorCommand(t, kubeconfig, "diff", same))

	changed := s.pipeline("web", "test")
	pipelineOf(t, changed).Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Image = "busybox:2"
	nightly := s.pipeline("nightly", "test")
	dir := folderOf(t, push, changed, lib, nightly)
	got := authorCommand(t, kubeconfig, "diff", dir, "--configrepo=mine")
	for _, want := range []string{
		"--- none\n+++ Pipeline/nightly of 3.json\n@@ -0,0 +1,", "+  name: nightly\n",
		"--- Pipeline/web in the cluster\n+++ Pipeline/web of 1.json\n", "-            - image: busybox\n", "+            - image: busybox:2\n",
		"--- Pipeline/old in the cluster\n+++ none: it would be pruned\n", "-  name: old\n",
	} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("lacks %q:\n%s", want, got.Out)
		}
	}
	for _, noise := range []string{"managedFields", "resourceVersion", "generation", "uid", "status", "Trigger/push", "Pipeline/lib"} {
		if strings.Contains(got.Out, noise) {
			t.Errorf("has %q:\n%s", noise, got.Out)
		}
	}
	wantEqual(t, "the ending", ending{Code: 1}, ending{Err: got.Err, Code: got.Code})
	if got := authorCommand(t, kubeconfig, "diff", dir); got.Code != 1 || strings.Contains(got.Out, "old") || strings.Contains(got.Out, "-    kayci.dev/configrepo") {
		t.Errorf("without a ConfigRepo: %+v", got)
	}
	wantEqual(t, "what is stored", before, s.versions(t))
}

func TestDiffRefuses(t *testing.T) {
	s := newApplySite(t)
	a, b, c := s.pipeline("a", "test"), s.pipeline("b", "test"), s.pipeline("c", "test")
	s.mustSync(t, a, b, c)
	s.repo(t, nil)
	theirs := &v1alpha1.ConfigRepo{}
	theirs.Namespace, theirs.Name, theirs.Spec.URL = s.namespace, "theirs", "https://git.example.com/acme/other.git"
	if err := s.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	foreign := pipelineOf(t, s.pipeline("foreign", "test")).DeepCopy()
	foreign.Labels = map[string]string{v1alpha1.ConfigRepoLabel: "theirs"}
	if err := s.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	kubeconfig := kubeconfigOf(t, serverConfig(t), s.namespace)
	before := s.versions(t)
	for name, test := range map[string]struct {
		objects []render.Object
		want    string
	}{
		"what belongs to another": {[]render.Object{a, b, c, s.pipeline("foreign", "test")}, `Pipeline/foreign: belongs to ConfigRepo "theirs"`},
		"most":                    {[]render.Object{a}, "the commit no longer renders 2 of the 3 objects"},
	} {
		got := authorCommand(t, kubeconfig, "diff", folderOf(t, test.objects...), "--configrepo=mine")
		if got.Code != 2 || !strings.HasPrefix(got.Err, "a sync would refuse it, and change nothing: ") || !strings.Contains(got.Err, test.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := authorCommand(t, kubeconfig, "diff", folderOf(t, a), "--configrepo=none"); got.Code != 2 || !strings.Contains(got.Err, "read the ConfigRepo") {
		t.Errorf("no such ConfigRepo: %+v", got)
	}
	if diff := cmp.Diff(before, s.versions(t)); diff != "" {
		t.Errorf("something was written (-before +after):\n%s", diff)
	}
}
