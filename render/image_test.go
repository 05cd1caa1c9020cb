package render_test

import (
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// The library's notifiers run the image of the one who renders, unless the
// config repository has another.
func TestImage(t *testing.T) {
	dir := repository(t, map[string]string{"a.jsonnet": `local ci = import 'kayci.libsonnet';
ci.pipeline('web', jobs=[ci.job('a', ci.script('busybox', 'true'))], notifiers=[ci.notifier.slack('chat', 'chat')])`})
	for name, tt := range map[string]struct {
		image string
		vars  map[string]string
		want  string
	}{
		"default": {want: "ghcr.io/kayci/kayci"},
		"given":   {image: "registry.example.com/kayci:1", want: "registry.example.com/kayci:1"},
		"mirror":  {image: "registry.example.com/kayci:1", vars: map[string]string{"kayci.image": "mirror/kayci"}, want: "mirror/kayci"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, dir)
			opts.Image, opts.Vars = tt.image, tt.vars
			result, err := render.Render(testContext(t), opts)
			if err != nil {
				t.Fatal(err)
			}
			pipeline, ok := result.Objects[0].Object.(*v1alpha1.Pipeline)
			if !ok {
				t.Fatalf("rendered %T", result.Objects[0].Object)
			}
			if got := pipeline.Spec.Notifiers[0].Template.Spec.Template.Spec.Containers[0].Image; got != tt.want {
				t.Errorf("image %q, want %q", got, tt.want)
			}
		})
	}
}
