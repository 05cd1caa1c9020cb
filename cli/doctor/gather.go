package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli"
	"github.com/kayci/kayci/cli/doctor/checkup"
	store "github.com/kayci/kayci/store/client"
)

// chart are labels that the chart gives all that it makes, and component the one of
// the controller.
const (
	chart     = "app.kubernetes.io/part-of"
	component = "app.kubernetes.io/component"
)

// gathering reads what is looked at. What can't be read is a fact, too.
type gathering struct {
	cluster client.Client
	// namespace that is looked at; blank are all.
	namespace string
}

func gather(ctx context.Context, env *cli.Env, all bool) (*checkup.Facts, error) {
	namespace, err := env.Cluster.Namespace()
	if err != nil {
		return nil, err
	}
	if all {
		namespace = ""
	}
	cluster, err := env.Cluster.Client()
	if err != nil {
		return nil, err
	}
	kube, err := env.Cluster.Kube()
	if err != nil {
		return nil, err
	}
	facts := &checkup.Facts{Now: env.Now(), Program: env.Version, Namespace: namespace}
	version, err := kube.Discovery().ServerVersion()
	if err != nil {
		// Without an API server there is nothing else to be known.
		return nil, fmt.Errorf("ask the API server for its version: %w", err)
	}
	facts.Server.Value = version.GitVersion
	g := gathering{cluster: cluster, namespace: namespace}
	g.installation(ctx, facts)
	if facts.Store, err = storeOf(ctx, env); err != nil {
		return nil, err
	}
	g.rights(ctx, facts)
	g.objects(ctx, facts)
	return facts, ctx.Err()
}

// storeOf asks the store. An error is one of what the person has said.
func storeOf(ctx context.Context, env *cli.Env) (checkup.Answer[string], error) {
	kept, err := env.Cluster.Store()
	if kept == nil || err != nil {
		return checkup.Answer[string]{}, err
	}
	service, err := kept.Ping(ctx)
	switch {
	case service.Name != "":
		return checkup.Answer[string]{Value: service.String(), Err: err}, nil
	case errors.Is(err, store.ErrNotStored):
		return checkup.Answer[string]{}, nil
	default:
		return checkup.Answer[string]{Err: err}, nil
	}
}

func (g *gathering) installation(ctx context.Context, facts *checkup.Facts) {
	facts.Kinds = map[string]checkup.Answer[*apiextensionsv1.CustomResourceDefinition]{}
	for _, resource := range []string{"configrepos", "pipelines", "triggers", "runs"} {
		name := resource + "." + v1alpha1.Group
		definition := &apiextensionsv1.CustomResourceDefinition{}
		err := g.cluster.Get(ctx, client.ObjectKey{Name: name}, definition)
		facts.Kinds[name] = checkup.Answer[*apiextensionsv1.CustomResourceDefinition]{Value: definition, Err: err}
	}
	var deployments appsv1.DeploymentList
	err := g.cluster.List(ctx, &deployments, client.MatchingLabels{chart: "kayci", component: "controller"})
	facts.Deployments = checkup.Answer[[]appsv1.Deployment]{Value: deployments.Items, Err: err}

	var webhooks admissionv1.ValidatingWebhookConfigurationList
	err = g.cluster.List(ctx, &webhooks)
	facts.Webhooks.Err = err
	facts.Webhooks.Value = slices.DeleteFunc(webhooks.Items, func(c admissionv1.ValidatingWebhookConfiguration) bool {
		return !slices.ContainsFunc(c.Webhooks, judges)
	})
}

// judges reports whether the webhook is asked about KayCI's kinds by name.
func judges(webhook admissionv1.ValidatingWebhook) bool {
	return slices.ContainsFunc(webhook.Rules, func(rule admissionv1.RuleWithOperations) bool {
		return slices.Contains(rule.APIGroups, v1alpha1.Group)
	})
}

func (g *gathering) objects(ctx context.Context, facts *checkup.Facts) {
	var repos v1alpha1.ConfigRepoList
	facts.ConfigRepos.Err = g.cluster.List(ctx, &repos, client.InNamespace(g.namespace))
	facts.ConfigRepos.Value = repos.Items
	var triggers v1alpha1.TriggerList
	facts.Triggers.Err = g.cluster.List(ctx, &triggers, client.InNamespace(g.namespace))
	facts.Triggers.Value = triggers.Items
	var runs v1alpha1.RunList
	// Those that have ended are of no interest, and there may be thousands.
	facts.Runs.Err = g.cluster.List(ctx, &runs, client.InNamespace(g.namespace), client.MatchingFields{v1alpha1.CompletionTimeField: ""})
	facts.Runs.Value = runs.Items
}
