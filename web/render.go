package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"k8s.io/utils/clock"

	"github.com/kayci/kayci/web/static"
	"github.com/kayci/kayci/web/viewer"
)

//go:embed templates
var templateFiles embed.FS

// pages are the templates: a file each of `templates`, within layout.html and with
// those of `templates/parts`, which are sent by themselves as well when they change.
type pages struct {
	of    map[string]*template.Template
	parts *template.Template
}

// page is what layout.html shows.
type page struct {
	// Title of the page, and of the browser's tab.
	Title string
	// State is the phase that the tab's icon shows; blank for none.
	State string
	// Trail leads from the first page to this one.
	Trail []crumb
	// Body is the page's own.
	Body any

	// Viewer is the name of who looks; blank: nobody is known to.
	Viewer string
	// Anonymous viewers are told that they are, and CanSignIn where to sign in.
	Anonymous, CanSignIn bool
	// CanSignOut offers to end the session.
	CanSignOut bool
}

// crumb is a step of the way to a page.
type crumb struct{ Name, Path string }

func parsePages(files *static.Files, now clock.PassiveClock) (*pages, error) {
	funcs := functions(files, now)
	parts, err := template.New("parts").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the templates: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("find the templates: %w", err)
	}
	p := &pages{of: map[string]*template.Template{}, parts: parts}
	for _, name := range names {
		one, err := parts.Clone()
		if err != nil {
			return nil, fmt.Errorf("copy the templates: %w", err)
		}
		if one, err = one.ParseFS(templateFiles, name); err != nil {
			return nil, fmt.Errorf("read the template %s: %w", name, err)
		}
		p.of[strings.TrimSuffix(path.Base(name), ".html")] = one
	}
	return p, nil
}

// render answers with the page, whole or not at all.
func (s *server) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	s.describeViewer(r, &p)
	var html bytes.Buffer
	if err := s.pages.of[name].ExecuteTemplate(&html, "layout", p); err != nil {
		s.Log.Error(err, "a page could not be written", "page", name)
		http.Error(w, "Something went wrong: the page's log says what.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Cookie, Authorization")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes())
}

// show answers with the page.
func (s *server) show(w http.ResponseWriter, r *http.Request, name string, p page) error {
	s.render(w, r, http.StatusOK, name, p)
	return nil
}

// describeViewer says on the page who looks. A name that can't be had leaves it out:
// the page is about something else.
func (s *server) describeViewer(r *http.Request, p *page) {
	v, ok := viewer.From(r.Context())
	if !ok {
		return
	}
	p.Anonymous, p.CanSignIn = v.Anonymous, v.Anonymous && s.Sessions != nil
	p.CanSignOut = !v.Anonymous && !v.Local && s.Sessions != nil
	if name, err := s.rights.Name(r.Context()); err == nil {
		p.Viewer = name
	}
}
