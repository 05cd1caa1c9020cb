package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// What can't be kept is refused where it is written, with what to write instead.
func TestKeepingIsRefused(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{
		`ci.artifacts('Dist', 'x')`:               "ci.artifacts: Dist must be up to 40 small letters, digits and dashes",
		`ci.artifacts('dist', 'x', when='never')`: "ci.artifacts dist: when is 'success' or 'always'",
		`ci.cache('key', 'x', name='-a')`:         "ci.cache: the name -a must be",
		`ci.fetch('a', 'dist', dir='../b')`:       "ci.fetch dist: dir lies below the folder",
		`ci.fetch('a', 'dist', dir='/b')`:         "ci.fetch dist: dir lies below the folder",
	} {
		dir := repository(t, map[string]string{"a.jsonnet": "local ci = import 'kayci.libsonnet';\n" +
			"ci.pipeline('a', jobs=[ci.job('a', [ci.script('busybox', 'true'), " + step + "])])"})
		opts := options(t, dir)
		opts.Store = "http://store"
		if got := strings.Join(rendered(t, opts), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: rendered %s, want an error with %q", step, got, want)
		}
	}
}

// Without a store what is asked of it is refused, and says how to get one.
func TestKeepingNeedsAStore(t *testing.T) {
	t.Parallel()
	for _, step := range []string{`ci.artifacts('dist', 'x')`, `ci.junit('x')`, `ci.cache('key', 'x')`, `ci.fetch('a', 'dist')`} {
		dir := repository(t, map[string]string{"a.jsonnet": "local ci = import 'kayci.libsonnet';\n" +
			"ci.pipeline('a', jobs=[ci.job('a', [ci.script('busybox', 'true'), " + step + "])])"})
		if got := strings.Join(rendered(t, options(t, dir)), "\n"); !strings.Contains(got, "set store.enabled of KayCI's chart, or the ConfigRepo's var kayci.store") {
			t.Errorf("%s: rendered %s, want an error that says what to set", step, got)
		}
	}
}

// The token for the store is nobody's but of KayCI's own containers; the sidecar is the
// first to start, and has time to end.
func TestKeeping(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"a.jsonnet": `local ci = (import 'kayci.libsonnet') { keepSeconds:: 600 };
ci.pipeline('a', jobs=[ci.job('a', [
  ci.fetch('b', 'dist'), ci.cache('$(KAYCI_RUN)', 'pkg', restoreKeys='p'), ci.script('busybox', 'true', name='build'), ci.script('busybox', 'true'),
  ci.artifacts('a', '$x'), ci.artifacts('b', ['y', 'z'], when='always'), ci.junit(['j', 'k']),
])])`})
	opts := options(t, dir)
	opts.Store, opts.Image = "http://store", "image"
	result, err := render.Render(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, is := result.Objects[0].Object.(*v1alpha1.Pipeline)
	if !is {
		t.Fatal("it isn't a Pipeline")
	}
	pod := pipeline.Spec.Jobs[0].Template.Spec.Template.Spec
	var names, trusted []string
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		names = append(names, c.Name)
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "kayci-token" }) {
			trusted = append(trusted, c.Name+" "+c.Image)
		}
	}
	if diff := cmp.Diff([]string{"kayci-keep", "fetch-dist", "cache", "build", "main"}, names); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"kayci-keep image", "fetch-dist image", "cache image"}, trusted); diff != "" {
		t.Errorf("with a token (-want +got):\n%s", diff)
	}
	want := []string{
		"keep", "--store=http://store", "--timeout=600s", `--cache={"name":"cache","paths":["pkg"]}`,
		`--artifact={"name":"a","paths":["$$x"],"when":"success"}`, `--artifact={"name":"b","paths":["y","z"],"when":"always"}`, "--junit=j", "--junit=k",
	}
	if diff := cmp.Diff(want, pod.InitContainers[0].Args); diff != "" || *pod.TerminationGracePeriodSeconds != 630 {
		t.Errorf("grace %d, the sidecar's arguments (-want +got):\n%s", *pod.TerminationGracePeriodSeconds, diff)
	}
}
