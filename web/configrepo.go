package web

import (
	"net/http"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/web/rights"
	"github.com/kayci/kayci/web/viewer"
)

// configRepoPage is what configrepo.html shows.
type configRepoPage struct {
	*v1alpha1.ConfigRepo
	// Ready is the condition; nil: nothing is known yet.
	Ready *metav1.Condition
	// MaySync offers to have the repository looked at.
	MaySync bool
}

// configRepo shows a ConfigRepo.
func (s *server) configRepo(w http.ResponseWriter, r *http.Request) error {
	var repo v1alpha1.ConfigRepo
	if err := s.cluster.client.Get(r.Context(), client.ObjectKey{Namespace: r.PathValue("ns"), Name: r.PathValue("repo")}, &repo); err != nil {
		return err
	}
	body := configRepoPage{ConfigRepo: &repo, Ready: meta.FindStatusCondition(repo.Status.Conditions, fluxmeta.ReadyCondition)}
	if v, ok := viewer.From(r.Context()); ok && !v.Anonymous {
		right := rights.Right{Verb: "patch", Group: v1alpha1.Group, Resource: "configrepos"}
		has, err := s.rights.Of(r.Context(), repo.Namespace, right)
		body.MaySync = err == nil && has[right]
	}
	return s.show(w, r, "configrepo", page{
		Title: repo.Name, Body: body, Trail: append(trail(repo.Namespace), crumb{repo.Name, configRepoPath(repo.Namespace, repo.Name)}),
	})
}
