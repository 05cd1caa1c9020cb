package doctor

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/doctor/checkup"
)

// want is a right that is asked for.
type want struct {
	to, verb, group, resource string
	needed                    bool
}

// mine are rights of people: what they are for, in the words of the commands.
func mine() []want {
	return []want{
		{"look at Runs", "list", v1alpha1.Group, "runs", true},
		{"read logs", "get", "", "pods/log", false},
		{"start Runs", "create", v1alpha1.Group, "runs", false},
		{"cancel and retry Runs", "patch", v1alpha1.Group, "runs", false},
		{"approve jobs", "approve", v1alpha1.Group, "runs", false},
		{"have repositories synced", "patch", v1alpha1.Group, "configrepos", false},
		{"store Pipelines", "create", v1alpha1.Group, "pipelines", false},
		{"change Pipelines", "patch", v1alpha1.Group, "pipelines", false},
		{"remove Pipelines", "delete", v1alpha1.Group, "pipelines", false},
	}
}

// theirs are rights that a controller can't do without.
func theirs() []want {
	return []want{
		{"apply Pipelines", "patch", v1alpha1.Group, "pipelines", true},
		{"apply Triggers", "patch", v1alpha1.Group, "triggers", true},
		{"make Runs", "create", v1alpha1.Group, "runs", true},
		{"say how Runs go", "patch", v1alpha1.Group, "runs/status", true},
		{"make Jobs", "create", "batch", "jobs", true},
		{"see pods", "list", "", "pods", true},
		{"keep revisions", "create", "apps", "controllerrevisions", true},
		{"read Secrets", "get", "", "secrets", true},
		{"say what happens", "create", "events.k8s.io", "events", true},
	}
}

func (w want) attributes(namespace string) *authorizationv1.ResourceAttributes {
	resource, subresource, _ := strings.Cut(w.resource, "/")
	return &authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: w.verb, Group: w.group, Resource: resource, Subresource: subresource,
	}
}

func (w want) right(who string, allowed bool, err error) checkup.Right {
	takes := w.verb + " " + w.resource
	if w.group != "" {
		takes = fmt.Sprintf("%s %s.%s", w.verb, w.resource, w.group)
	}
	return checkup.Right{
		Who: who, To: w.to, Takes: takes, Needed: w.needed,
		Allowed: checkup.Answer[bool]{Value: allowed, Err: err},
	}
}

// rights asks the API server, which stores nothing of it.
func (g *gathering) rights(ctx context.Context, facts *checkup.Facts) {
	for _, w := range mine() {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: w.attributes(g.namespace)},
		}
		err := g.cluster.Create(ctx, review)
		facts.Mine = append(facts.Mine, w.right("", review.Status.Allowed, err))
	}
	for i := range facts.Deployments.Value {
		facts.Controllers = append(facts.Controllers, g.rightsOf(ctx, &facts.Deployments.Value[i])...)
	}
}

// rightsOf the account of a controller. Who may not ask for one may not ask for any.
func (g *gathering) rightsOf(ctx context.Context, d *appsv1.Deployment) []checkup.Right {
	account := d.Spec.Template.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	user := fmt.Sprintf("system:serviceaccount:%s:%s", d.Namespace, account)
	var rights []checkup.Right
	for _, w := range theirs() {
		review := &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, ResourceAttributes: w.attributes(g.namespace),
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + d.Namespace, "system:authenticated"},
			},
		}
		err := g.cluster.Create(ctx, review)
		rights = append(rights, w.right("the controller's account "+user, review.Status.Allowed, err))
		if err != nil {
			break
		}
	}
	return rights
}
