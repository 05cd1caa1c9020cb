// Package web is the page: Runs, their jobs and logs, in a browser. It keeps nothing
// and has no rights: what it shows it reads as the viewer, and what the viewer does is
// one request to the API server as the viewer. Any number of replicas can answer.
package web

import (
	"cmp"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/web/limits"
	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/rights"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/static"
	"github.com/kayci/kayci/web/viewer"
)

// usualPatience is how long the API server may take to answer what a page needs.
const usualPatience = 10 * time.Second

// Options say for whom the page is.
type Options struct {
	// Config says where the API server is. Whose requests are made the viewers say,
	// unless the page is Local.
	Config *rest.Config
	// Local has requests made as Config says: the page is a person's own.
	Local bool
	// Store is the Service of the store that keeps Runs beyond their deletion, which is
	// asked as the viewer. Blank: there is none. A page that is Local has Kept instead.
	Store types.NamespacedName
	Kept  *client.Store
	// Viewers know who looks.
	Viewers viewer.Mode
	// Sessions keep who has signed in here. nil: nobody can.
	Sessions *viewer.Sessions
	// TokenSignIn lets viewers sign in with a token that they paste.
	TokenSignIn bool
	// OpenID lets viewers sign in by a provider. nil: by none.
	OpenID *openid.Provider
	// OwnToken is the token of the page's account, by which it acts for persons whom
	// OpenID names. nil: it acts for nobody.
	OwnToken func() (string, error)
	// Anonymous says that Viewers take who hasn't signed in for somebody.
	Anonymous bool
	// Namespaces are looked at for a viewer who may not list namespaces.
	Namespaces []string
	// Patience is how long the API server may take to answer what a page needs; ten
	// seconds if it is zero.
	Patience time.Duration
	// Clock says how long ago something was, and when a quiet stream says something.
	Clock clock.WithTicker
	// Stopping is closed when the process is to end: streams end then. nil: it never is.
	Stopping <-chan struct{}
	// Log is for what viewers can't do anything about.
	Log logr.Logger
}

// server answers for one installation. It has no state beyond what bounds it.
type server struct {
	Options
	cluster *cluster
	rights  *rights.Rights
	static  *static.Files
	pages   *pages
	layouts layouts
	streams limits.Streams
}

// New returns the page.
func New(opts Options) (http.Handler, error) {
	s := &server{Options: opts, layouts: newLayouts()}
	s.Patience = cmp.Or(s.Patience, usualPatience)
	var err error
	if s.cluster, err = newCluster(opts); err != nil {
		return nil, err
	}
	s.rights = rights.New(s.cluster.kube, opts.Clock)
	if s.static, err = static.New(); err != nil {
		return nil, err
	}
	if s.pages, err = parsePages(s.static, opts.Clock); err != nil {
		return nil, err
	}
	answers := secure.Headers(secure.SameOrigin(s.routes(), s.open(s.crossSite)))
	return limits.Writes(limits.Bodies(limits.PerBody, answers)), nil
}

// crossSite answers what another site's page has sent.
func (*server) crossSite(http.ResponseWriter, *http.Request) error {
	return &problem{Status: http.StatusForbidden, Title: "Refused", Text: "Another site has sent this. Nothing was done: open the page here and do it again."}
}
