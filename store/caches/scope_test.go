package caches_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/caches"
	"github.com/kayci/kayci/store/place"
)

// TestScopes has what a Run of each origin may read, its own first, which alone it may
// write.
func TestScopes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		origin v1alpha1.Origin
		want   [][2]string
	}{
		"a push":                           {v1alpha1.Origin{Ref: "refs/heads/topic", Branch: "topic"}, [][2]string{{"branch", "topic"}, {"branch", "main"}, {"branch", "master"}}},
		"a push to a default branch":       {v1alpha1.Origin{Ref: "refs/heads/master", Branch: "master"}, [][2]string{{"branch", "master"}, {"branch", "main"}}},
		"a tag":                            {v1alpha1.Origin{Ref: "refs/tags/v1", Tag: "v1"}, [][2]string{{"tag", "v1"}, {"branch", "main"}, {"branch", "master"}}},
		"a pull request":                   {v1alpha1.Origin{PullRequest: 7, BaseBranch: "release-1"}, [][2]string{{"pull", "7"}, {"branch", "release-1"}, {"branch", "main"}, {"branch", "master"}}},
		"into a default branch":            {v1alpha1.Origin{PullRequest: 7, BaseBranch: "master"}, [][2]string{{"pull", "7"}, {"branch", "master"}, {"branch", "main"}}},
		"into a branch that nobody knows":  {v1alpha1.Origin{PullRequest: 7}, [][2]string{{"pull", "7"}, {"branch", "main"}, {"branch", "master"}}},
		"of a fork":                        {v1alpha1.Origin{PullRequest: 7, Fork: true, BaseBranch: "release-1"}, [][2]string{{"pull", "7"}, {"branch", "release-1"}, {"branch", "main"}, {"branch", "master"}}},
		"of a fork whose branch is main":   {v1alpha1.Origin{Ref: "refs/heads/main", Branch: "main", PullRequest: 7, Fork: true, BaseBranch: "release-1"}, [][2]string{{"pull", "7"}, {"branch", "release-1"}, {"branch", "main"}, {"branch", "master"}}},
		"a fork without pull request":      {v1alpha1.Origin{Ref: "refs/heads/main", Branch: "main", Fork: true, BaseBranch: "release-1"}, [][2]string{{"run", "1"}, {"branch", "main"}, {"branch", "master"}}},
		"a push that names another's base": {v1alpha1.Origin{Ref: "refs/heads/topic", Branch: "topic", BaseBranch: "release-1"}, [][2]string{{"branch", "topic"}, {"branch", "main"}, {"branch", "master"}}},
		"into a branch called like a tag":  {v1alpha1.Origin{PullRequest: 7, BaseBranch: "refs/tags/v1"}, [][2]string{{"pull", "7"}, {"branch", "refs/tags/v1"}, {"branch", "main"}, {"branch", "master"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.origin.Provider, tt.origin.Repository = v1alpha1.ProviderGitHub, "acme/web"
			run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "builds", Name: "web-1", UID: "1"}, Spec: v1alpha1.RunSpec{Pipeline: "web", Origin: &tt.origin}}
			want := []place.Scope{}
			for _, s := range tt.want {
				want = append(want, place.Scope{
					Namespace: "builds", Repository: place.Hash("repository\ngithub\nacme/web"), Name: place.Hash(s[0] + "\n" + s[1]),
				})
			}
			if diff := cmp.Diff(want, caches.ScopesOf(run, []string{"main", "master"}).All()); diff != "" {
				t.Errorf("of %v (-want +got):\n%s", tt.want, diff)
			}
		})
	}
}
