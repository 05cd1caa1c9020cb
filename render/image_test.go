package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// The library's notifiers and checkouts run the images of the one who renders, unless
// the config repository has others.
func TestImage(t *testing.T) {
	dir := repository(t, map[string]string{"a.jsonnet": `local ci = import 'kayci.libsonnet';
ci.pipeline('web', params=['git_url', 'git_sha'], jobs=[ci.job('a', [ci.checkout(), ci.script('busybox', 'true')])], notifiers=[ci.notifier.slack('chat', 'chat')])`})
	type images struct{ Notifier, Checkout string }
	const one = "registry.example.com/kayci:1"
	for name, tt := range map[string]struct {
		image, git string
		vars       map[string]string
		want       images
	}{
		"default":             {want: images{"ghcr.io/kayci/kayci", "ghcr.io/kayci/kayci:git"}},
		"given":               {image: one, want: images{one, one + "-git"}},
		"both given":          {image: one, git: "git:1", want: images{one, "git:1"}},
		"mirror":              {image: one, git: "git:1", vars: map[string]string{"kayci.image": "mirror/kayci:1"}, want: images{"mirror/kayci:1", "mirror/kayci:1-git"}},
		"mirror of the other": {image: one, vars: map[string]string{"kayci.gitImage": "mirror/git"}, want: images{one, "mirror/git"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, dir)
			opts.Image, opts.GitImage, opts.Vars = tt.image, tt.git, tt.vars
			result, err := render.Render(testContext(t), opts)
			if err != nil {
				t.Fatal(err)
			}
			pipeline, ok := result.Objects[0].Object.(*v1alpha1.Pipeline)
			if !ok {
				t.Fatalf("rendered %T", result.Objects[0].Object)
			}
			got := images{
				pipeline.Spec.Notifiers[0].Template.Spec.Template.Spec.Containers[0].Image,
				pipeline.Spec.Jobs[0].Template.Spec.Template.Spec.InitContainers[0].Image,
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}
