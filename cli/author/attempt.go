package author

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/runs/view"
)

// removalTime is how long a removal may take: the person waits for it, and has perhaps
// pressed Ctrl-C already.
const removalTime = 30 * time.Second

// attempt is one Pipeline being tried.
type attempt struct {
	out     io.Writer
	cluster client.Client
	// tried is the Pipeline as it is stored.
	tried   *v1alpha1.Pipeline
	params  map[string]string
	keep    bool
	timeout time.Duration
	// program is how the person calls this program.
	program string
	// logs prints what the Run does, until it has ended.
	logs func(context.Context, *v1alpha1.Run) error
	// every is how often the API server is asked.
	every time.Duration
	// name of the Run, once there is one.
	name string
}

// say tells the person something, beside what the Run prints.
func (a *attempt) say(format string, args ...any) {
	fmt.Fprintln(a.out, printable.Text(fmt.Sprintf(format, args...)))
}

// run stores the Pipeline, follows its Run to the end and removes both.
func (a *attempt) run(ctx context.Context) error {
	if err := a.cluster.Create(ctx, a.tried, client.FieldOwner(act.Manager)); err != nil {
		err = fmt.Errorf("store the Pipeline: %w", err)
		if turnedDown(err) {
			return err
		}
		// Whether it was stored isn't known.
		return errors.Join(err, a.remove(ctx))
	}
	err := a.follow(ctx)
	if a.keep {
		a.tellKept()
		return err
	}
	if removal := a.remove(ctx); removal != nil {
		a.say("%s", removal)
		if err == nil {
			return &cli.ExitError{Code: cli.ExitFault}
		}
	}
	return err
}

// turnedDown reports whether the API server has said no, rather than not now.
func turnedDown(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && !apierrors.IsTooManyRequests(err) && status.Status().Code != http.StatusRequestTimeout && status.Status().Code >= 400 && status.Status().Code < 500
}

// follow starts a Run and returns what it has come to.
func (a *attempt) follow(ctx context.Context) error {
	within := ctx
	if a.timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	run, err := act.Start(within, a.cluster, a.tried, a.params, false)
	if err == nil {
		a.name = run.Name
		a.say("the Run is %s", run.Name)
		a.print(within, run)
		run, err = a.await(within, run)
	}
	switch {
	case err != nil && ctx.Err() == nil && within.Err() != nil:
		return &cli.ExitError{Code: cli.ExitTimeout, Err: fmt.Errorf("the Run has not ended within %s", a.timeout)}
	case err != nil:
		return err
	}
	a.tellEnd(run)
	return cli.Outcome(run.Status.Phase)
}

// print shows what the Run does. It goes on if that can't be shown.
func (a *attempt) print(ctx context.Context, run *v1alpha1.Run) {
	err := a.logs(ctx, run.DeepCopy())
	var ended *cli.ExitError
	if err != nil && ctx.Err() == nil && !errors.As(err, &ended) {
		a.say("its logs can't be followed: %v", err)
	}
}

// await returns the Run when it has ended.
func (a *attempt) await(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.Run, error) {
	key := client.ObjectKeyFromObject(run)
	err := wait.PollUntilContextCancel(ctx, a.every, true, func(ctx context.Context) (bool, error) {
		err := a.cluster.Get(ctx, key, run)
		if err != nil && !turnedDown(err) {
			// The API server is asked again: the Run goes on meanwhile.
			return false, nil
		}
		return run.Status.Phase.Finished(), err
	})
	if err != nil {
		return nil, fmt.Errorf("follow Run %s: %w", key.Name, err)
	}
	return run, nil
}

func (a *attempt) tellEnd(run *v1alpha1.Run) {
	seen := view.Of(view.Facts{Run: run, Spec: &a.tried.Spec})
	text := fmt.Sprintf("%s %s", seen.State.Symbol(), seen.State.Word())
	if seen.Why != "" {
		text += ": " + seen.Why
	}
	a.say("%s", text)
}

func (a *attempt) tellKept() {
	a.say("%s stays. To look at it: %s logs %s -n %s. To remove it: %s", a.tried.Name, a.program, a.name, a.tried.Namespace, a.removalCommand())
}

// removalCommand removes what a trial has left.
func (a *attempt) removalCommand() string {
	return fmt.Sprintf("kubectl delete pipelines.%s %s -n %s", v1alpha1.Group, a.tried.Name, a.tried.Namespace)
}

// remove deletes the Pipeline and its Runs, also if the person has lost patience. What
// they have made goes with them.
func (a *attempt) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, a.every, true, func(ctx context.Context) (bool, error) {
		last = errors.Join(a.removePipeline(ctx), a.removeRuns(ctx))
		return last == nil || turnedDown(last), nil
	})
	if last = errors.Join(last, err); last != nil {
		return fmt.Errorf("%s could not be removed: %w\nTo remove it: %s", a.tried.Name, last, a.removalCommand())
	}
	a.say("%s is removed", a.tried.Name)
	return nil
}

func (a *attempt) removePipeline(ctx context.Context) error {
	background := client.PropagationPolicy(metav1.DeletePropagationBackground)
	options := []client.DeleteOption{background}
	if a.tried.UID != "" {
		options = append(options, client.Preconditions{UID: &a.tried.UID})
	}
	return client.IgnoreNotFound(a.cluster.Delete(ctx, a.tried, options...))
}

// removeRuns deletes those that the controller hasn't made the Pipeline's own yet: the
// others go with it.
func (a *attempt) removeRuns(ctx context.Context) error {
	var runs v1alpha1.RunList
	err := a.cluster.List(ctx, &runs, client.InNamespace(a.tried.Namespace), client.MatchingLabels{v1alpha1.PipelineLabel: a.tried.Name})
	if err != nil {
		return err
	}
	var errs []error
	for i := range runs.Items {
		run := &runs.Items[i]
		uid := run.UID
		err := a.cluster.Delete(ctx, run, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
		errs = append(errs, client.IgnoreNotFound(err))
	}
	return errors.Join(errs...)
}
