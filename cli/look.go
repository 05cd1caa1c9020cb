package cli

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/view"
)

// specOf the Run, or nil if it isn't there any more.
func specOf(ctx context.Context, finder find.Finder, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	spec, err := finder.Spec(ctx, run)
	var none *find.NotFoundError
	if apierrors.IsNotFound(err) || errors.As(err, &none) {
		return nil, nil
	}
	return spec, err
}

// signed is a state as its symbol and its word, in its colour.
func signed(t *terminal.Terminal, s view.State) string {
	return t.Paint(terminal.StyleOf(s.Class()), s.Sign(t.ASCII)+" "+s.Word())
}
