package web_test

import (
	"os"
	"path/filepath"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/test/oidc"
	"github.com/kayci/kayci/test/page"
	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/openid"
)

// viewersGroup is the group of the provider's that counts.
const viewersGroup = "oidc:viewers"

// acting are the rights by which the chart's page acts for viewers.
func acting(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	var rules []rbacv1.PolicyRule
	for _, name := range []string{"who.yaml", "what.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "charts", "kayci", "files", "web", name))
		if err != nil {
			t.Fatal(err)
		}
		var some []rbacv1.PolicyRule
		if err := yaml.UnmarshalStrict(data, &some); err != nil {
			t.Fatal(err)
		}
		rules = append(rules, some...)
	}
	return append(rules, rbacv1.PolicyRule{
		APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"groups"}, ResourceNames: []string{viewersGroup}, Verbs: []string{"impersonate:user-info"},
	})
}

// actor is the token of an account that has these rights in the cluster, and no other.
func (s *site) actor(t *testing.T, account string, rules []rbacv1.PolicyRule) string {
	t.Helper()
	token := s.user(t, account)
	name := metav1.ObjectMeta{Name: account + "-" + s.namespace}
	s.create(t, &rbacv1.ClusterRole{ObjectMeta: name, Rules: rules}, &rbacv1.ClusterRoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: account}},
	})
	s.awaitRight(t, authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + s.namespace + ":" + account,
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: rules[0].Verbs[0], Group: rules[0].APIGroups[0], Resource: rules[0].Resources[0]},
	})
	return token
}

// byPerson has the page act for whom the provider names.
func byPerson(t *testing.T, p *oidc.Provider, token string) func(*web.Options) {
	t.Helper()
	return func(o *web.Options) {
		byProvider(t, p)(o)
		o.OpenID.Mapping = &openid.Mapping{UsernameClaim: "email", GroupsClaim: "groups", GroupsPrefix: "oidc:", Groups: []string{viewersGroup}}
		o.OwnToken = func() (string, error) { return token, nil }
		o.Sessions.Realm, o.Sessions.Groups = "test", []string{viewersGroup}
	}
}

// TestPersonsDoWhatTheyMay: the page does for a person what the person may, with the
// rights that the chart gives it, and nothing else.
func TestPersonsDoWhatTheyMay(t *testing.T) {
	t.Parallel()
	for kind, who := range []string{"viewer", "approver", "editor", "stranger"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w, own := person(t, kind)
			for _, e := range endpoints() {
				w.try(t, "", e, e.want[kind])
			}
			shows(t, own, w.log.String())
			for _, cookie := range w.cookies {
				shows(t, own, cookie.Value)
			}
			// The page's own account may do none of it.
			w.cookies = nil
			w.url = w.serve(t)
			for _, e := range endpoints() {
				w.try(t, own, e, e.want[aStranger])
			}
		})
	}
}

// person is a world whose page acts for a person of the kind, who has signed in, by the
// token of an account.
func person(t *testing.T, kind int, change ...func(*web.Options)) (w *world, own string) {
	t.Helper()
	w = newWorld(t, newSite(t))
	node := page.StartNode(t, w.client, w.namespace, *before(61), *before(59))
	node.Print(t, "web-failed", "test", "FAIL\n")
	node.End(t, "web-failed", "test", 1)
	node.Schedule(t, "web-asking", "build")
	p, err := oidc.New(clientID, clientSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	user := "anna@" + w.namespace + ".example.com"
	p.As(oidc.Claims{"email": user, "email_verified": true, "groups": []string{"viewers", "masters", "system:masters"}})
	w.grant(t, kind, user)
	own = w.actor(t, "page", acting(t))
	w.mayReach(t, reachForOthers, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: w.namespace, Name: "page"})
	w.url = w.serve(t, append(change, w.store(t), byPerson(t, p, own))...)
	w.signIn(t, w.goSignIn(t, p, "/"))
	return w, own
}

// grant gives the user the rights of the kind.
func (w *world) grant(t *testing.T, kind int, user string) {
	t.Helper()
	rules := rightsOf(kind)
	if len(rules) == 0 {
		return
	}
	meta := w.meta("person")
	subject := rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}
	if kind == aViewer {
		// Rights of a group count as well.
		subject = rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: viewersGroup}
	}
	w.create(t, &rbacv1.Role{ObjectMeta: meta, Rules: rules}, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name}, Subjects: []rbacv1.Subject{subject},
	})
	w.awaitUser(t, user, viewersGroup)
}
