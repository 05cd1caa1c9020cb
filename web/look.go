package web

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/view"
)

// look is a Run as a viewer sees it.
type look struct {
	Run  *v1alpha1.Run
	Spec *v1alpha1.PipelineSpec
	// Found are its pods.
	Found *logs.Found
	// View is what people see of these.
	View view.Run
	// Hidden says what the viewer may not see, or what isn't there any more, of the rest.
	Hidden []string
}

func (s *server) finder(namespace string) find.Finder {
	finder := find.Finder{Reader: s.cluster.client, Namespace: namespace}
	if s.cluster.kept != nil {
		finder.Kept = s.cluster.kept
	}
	return finder
}

func (s *server) pods() *logs.Pods {
	pods := &logs.Pods{Client: s.cluster.kube.CoreV1()}
	if s.cluster.kept != nil {
		pods.Kept = s.cluster.kept
	}
	return pods
}

// getRun returns the Run of a name, also one that was deleted and is kept.
func (s *server) getRun(ctx context.Context, namespace, name string) (*v1alpha1.Run, error) {
	var run v1alpha1.Run
	err := s.cluster.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &run)
	if apierrors.IsNotFound(err) {
		kept, failed := s.finder(namespace).Deleted(ctx, name)
		if kept != nil {
			return kept, nil
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return nil, err
	}
	return &run, nil
}

// lookAt reads what belongs to the Run. Who may see it and not the rest sees the Run.
func (s *server) lookAt(ctx context.Context, run *v1alpha1.Run) (*look, error) {
	l := &look{Run: run, Found: &logs.Found{Run: run}}
	var specHidden, podsHidden string
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		l.Spec, err = s.finder(run.Namespace).Spec(reading, run)
		specHidden, err = hidden(err)
		return err
	})
	group.Go(func() error {
		found, err := s.pods().Of(reading, run)
		if err == nil {
			l.Found = found
		}
		podsHidden, err = hidden(err)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	kept := ""
	if find.Deleted(run) {
		kept = "This Run was deleted. What is shown is what the store has kept."
	}
	for _, what := range []string{kept, specHidden, podsHidden} {
		if what != "" {
			l.Hidden = append(l.Hidden, what)
		}
	}
	l.View = view.Of(view.Facts{Run: run, Spec: l.Spec, Pods: l.Found.Pods, Deleted: find.Deleted(run), Now: s.Clock.Now()})
	return l, nil
}

// hidden turns an error that leaves out a part of a page into what it says.
func hidden(err error) (string, error) {
	var missing *find.NotFoundError
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || errors.As(err, &missing) {
		return err.Error(), nil
	}
	return "", err
}
