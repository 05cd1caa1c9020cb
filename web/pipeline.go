package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// pipelineRuns is how many Runs a Pipeline's page shows.
const pipelineRuns = 20

// pipelinePage is what pipeline.html shows.
type pipelinePage struct {
	*v1alpha1.Pipeline
	// Ready is the condition; nil: nothing is known yet.
	Ready *metav1.Condition
	// Graph of the jobs, drawn.
	Graph template.HTML
	// MayStart offers the form, whose Fields are the parameters. Problems are what was
	// wrong with those that were sent.
	MayStart bool
	Fields   []field
	Problems []string
	Rows     runRows
	Jobs     []durations
	Triggers []v1alpha1.Trigger
	Hidden   []string
}

// pipeline shows a Pipeline. With ?like= the form has the parameters of a Run.
func (s *server) pipeline(w http.ResponseWriter, r *http.Request) error {
	pipeline, err := s.getPipeline(r)
	if err != nil {
		return err
	}
	var given map[string]string
	if name := r.URL.Query().Get("like"); name != "" {
		run, err := s.getRun(r.Context(), pipeline.Namespace, name)
		if err != nil {
			return err
		}
		given, _ = act.Like(run, pipeline)
	}
	return s.showPipeline(w, r, http.StatusOK, pipeline, given, nil)
}

func (s *server) getPipeline(r *http.Request) (*v1alpha1.Pipeline, error) {
	var pipeline v1alpha1.Pipeline
	err := s.cluster.client.Get(r.Context(), client.ObjectKey{Namespace: r.PathValue("ns"), Name: r.PathValue("pipeline")}, &pipeline)
	return &pipeline, err
}

func (s *server) showPipeline(w http.ResponseWriter, r *http.Request, status int, pipeline *v1alpha1.Pipeline, given map[string]string, problems []string) error {
	body := &pipelinePage{
		Pipeline: pipeline, Ready: meta.FindStatusCondition(pipeline.Status.Conditions, fluxmeta.ReadyCondition),
		MayStart: s.mayStart(r.Context(), pipeline.Namespace), Fields: fieldsOf(pipeline.Spec.Params, given), Problems: problems,
	}
	var err error
	if body.Graph, err = s.pipelineGraph(pipeline, r.URL.Query()[openField]); err != nil {
		return err
	}
	found, err := s.finder(pipeline.Namespace).Runs(r.Context(), find.Query{Pipeline: pipeline.Name, Limit: pipelineRuns})
	if what, err := hidden(err); err != nil {
		return err
	} else if what != "" {
		body.Hidden = append(body.Hidden, what)
	} else {
		body.Rows = rowsOf(found, &filter{Pipeline: pipeline.Name, Limit: pipelineRuns}, s.Clock.Now())
		body.Jobs = durationsOf(body.Rows.Runs, pipeline.Spec.Jobs)
	}
	triggers, err := s.triggersOf(r.Context(), pipeline)
	if what, err := hidden(err); err != nil {
		return err
	} else if what != "" {
		body.Hidden = append(body.Hidden, what)
	}
	body.Triggers = triggers
	s.render(w, r, status, "pipeline", page{
		Title: pipeline.Name, Body: body, Trail: append(trail(pipeline.Namespace), crumb{pipeline.Name, pipelinePath(pipeline.Namespace, pipeline.Name)}),
	})
	return nil
}

func (s *server) mayStart(ctx context.Context, namespace string) bool {
	if v, ok := viewer.From(ctx); !ok || v.Anonymous {
		return false
	}
	has, err := s.rights.Of(ctx, namespace, onRuns("create"))
	return err == nil && has[onRuns("create")]
}

// triggersOf a Pipeline.
func (s *server) triggersOf(ctx context.Context, pipeline *v1alpha1.Pipeline) ([]v1alpha1.Trigger, error) {
	var list v1alpha1.TriggerList
	if err := s.cluster.client.List(ctx, &list, client.InNamespace(pipeline.Namespace), client.Limit(mostPipelines)); err != nil {
		return nil, err
	}
	var own []v1alpha1.Trigger
	for n := range list.Items {
		if list.Items[n].Spec.Pipeline == pipeline.Name {
			own = append(own, list.Items[n])
		}
	}
	return own, nil
}

// start has a Pipeline run. Parameters that it doesn't take bring the form back.
func (s *server) start(w http.ResponseWriter, r *http.Request) error {
	if v, ok := viewer.From(r.Context()); !ok || v.Anonymous {
		return mayNotAct()
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	pipeline, err := s.getPipeline(r)
	if err != nil {
		return err
	}
	given := paramsOf(form, pipeline.Spec.Params)
	run, err := act.Start(r.Context(), s.cluster.client, pipeline, given, false)
	if wrong, is := errors.AsType[*act.ParamsError](err); is {
		return s.showPipeline(w, r, http.StatusUnprocessableEntity, pipeline, given, problemsOf(wrong))
	}
	if err != nil {
		return refusal(err)
	}
	secure.Redirect(w, r, runPath(run.Namespace, run.Name))
	return nil
}
