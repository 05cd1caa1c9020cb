package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// runEvents shows a Run until it has ended.
func (s *server) runEvents(w http.ResponseWriter, r *http.Request) error {
	return s.live(w, r, &liveRun{server: s, namespace: r.PathValue("ns"), name: r.PathValue("run"), open: r.URL.Query()[openField]})
}

// liveRun is a Run that is watched.
type liveRun struct {
	*server
	namespace, name string
	open            []string
	now             *v1alpha1.Run
}

func (l *liveRun) event() string { return "run" }

func (l *liveRun) read(ctx context.Context) (string, error) {
	run, err := l.getRun(ctx, l.namespace, l.name)
	if err != nil {
		return "", err
	}
	if l.now != nil && run.UID != l.now.UID {
		return "", errGone
	}
	l.now = run
	return run.ResourceVersion, nil
}

func (l *liveRun) watch(ctx context.Context, options *metav1.ListOptions) (watch.Interface, error) {
	return l.cluster.client.Watch(ctx, &v1alpha1.RunList{}, client.InNamespace(l.namespace), &client.ListOptions{
		Raw: options, FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, l.name),
	})
}

func (l *liveRun) change(event watch.Event) (gone bool) {
	run, is := event.Object.(*v1alpha1.Run)
	if !is {
		return false
	}
	if event.Type == watch.Deleted || run.UID != l.now.UID {
		return true
	}
	l.now = run
	return false
}

func (l *liveRun) html(ctx context.Context) (html, version string, over bool, err error) {
	body, err := l.runPage(ctx, l.now, l.open)
	if err != nil {
		return "", "", false, err
	}
	html, err = l.pages.part("run", body)
	return html, l.now.ResourceVersion, !body.Live, err
}

// part writes one of the parts that are sent by themselves.
func (p *pages) part(name string, data any) (string, error) {
	var html bytes.Buffer
	if err := p.parts.ExecuteTemplate(&html, name, data); err != nil {
		return "", fmt.Errorf("write the part %s: %w", name, err)
	}
	return html.String(), nil
}
