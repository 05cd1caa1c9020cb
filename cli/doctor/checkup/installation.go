package checkup

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kayci/kayci/api/v1alpha1"
)

// oldest is the oldest Kubernetes that KayCI is tested with.
const oldest = "1.31.0"

// certificateWarning is how long before its end a certificate is a matter: KayCI renews
// its own much earlier.
const certificateWarning = 14 * 24 * time.Hour

func server(f *Facts) []Line {
	const about = "Kubernetes"
	if f.Server.Err != nil {
		return []Line{{Wrong, about, fmt.Sprintf("the API server doesn't say its version: %v", f.Server.Err), "see that the kubeconfig leads to a cluster that runs"}}
	}
	is, err := version.ParseGeneric(f.Server.Value)
	switch {
	case err != nil:
		return []Line{{Unknown, about, fmt.Sprintf("the API server's version can't be read: %s", f.Server.Value), ""}}
	case is.LessThan(version.MustParseGeneric(oldest)):
		return []Line{{Wrong, about, f.Server.Value + " is older than 1.31, the oldest that KayCI works with", "upgrade the cluster"}}
	}
	return []Line{{Good, about, f.Server.Value, ""}}
}

func kinds(f *Facts) []Line {
	lines := make([]Line, 0, len(f.Kinds))
	for _, name := range slices.Sorted(maps.Keys(f.Kinds)) {
		lines = append(lines, kind(name, f.Kinds[name]))
	}
	return lines
}

func kind(name string, definition Answer[*apiextensionsv1.CustomResourceDefinition]) Line {
	about := "CRD " + name
	switch {
	case apierrors.IsNotFound(definition.Err):
		return Line{Wrong, about, "it isn't there", "install KayCI's chart, with crds.install"}
	case definition.Err != nil:
		return unread(about, "CustomResourceDefinitions", definition.Err)
	}
	served := served(definition.Value)
	if !slices.Contains(served, v1alpha1.GroupVersion().Version) {
		return Line{Wrong, about, "it doesn't serve " + v1alpha1.GroupVersion().Version, "upgrade KayCI's chart, or take a program of the cluster's version"}
	}
	for _, condition := range definition.Value.Status.Conditions {
		if condition.Type == apiextensionsv1.Established && condition.Status != apiextensionsv1.ConditionTrue {
			return Line{Wrong, about, "the API server doesn't take it up: " + condition.Message, "see `kubectl describe crd " + name + "`"}
		}
	}
	return Line{Good, about, "serves " + strings.Join(served, ", "), ""}
}

func served(definition *apiextensionsv1.CustomResourceDefinition) []string {
	var names []string
	for i := range definition.Spec.Versions {
		if definition.Spec.Versions[i].Served {
			names = append(names, definition.Spec.Versions[i].Name)
		}
	}
	return names
}

func controllers(f *Facts) []Line {
	const about = "controller"
	if f.Deployments.Err != nil {
		return []Line{unread(about, "Deployments of all namespaces", f.Deployments.Err)}
	}
	if len(f.Deployments.Value) == 0 {
		return []Line{{Wrong, about, "there is none: no Deployment has the labels of KayCI's chart", "install KayCI's chart"}}
	}
	var lines []Line
	for i := range f.Deployments.Value {
		lines = append(lines, controller(&f.Deployments.Value[i], f.Program)...)
	}
	return lines
}

func controller(d *appsv1.Deployment, program string) []Line {
	about := fmt.Sprintf("controller %s/%s", d.Namespace, d.Name)
	wanted := int32(1)
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	is := versionOf(d)
	state := Line{Good, about, fmt.Sprintf("version %s, %d of %d replicas are ready", is, d.Status.ReadyReplicas, wanted), ""}
	look := fmt.Sprintf("see `kubectl describe deployment,pods -n %s` and `kubectl logs -n %s deployment/%s`", d.Namespace, d.Namespace, d.Name)
	switch {
	case wanted == 0:
		state.Level, state.Do = Wrong, fmt.Sprintf("`kubectl scale -n %s deployment/%s --replicas=1`", d.Namespace, d.Name)
	case d.Status.ReadyReplicas == 0:
		state.Level, state.Do = Wrong, look
	case d.Status.ReadyReplicas < wanted || d.Status.ObservedGeneration < d.Generation:
		state.Level, state.Do = Note, look
	}
	lines := []Line{state}
	if a, b := strings.TrimPrefix(program, "v"), strings.TrimPrefix(is, "v"); a != b {
		lines = append(lines, Line{Note, about, fmt.Sprintf("it is of version %s and this program of %s: they may differ in what they know", is, program), ""})
	}
	return lines
}

// versionOf a controller is the tag of its image, or what the chart says.
func versionOf(d *appsv1.Deployment) string {
	if containers := d.Spec.Template.Spec.Containers; len(containers) > 0 && !strings.Contains(containers[0].Image, "@") {
		image := containers[0].Image[strings.LastIndexByte(containers[0].Image, '/')+1:]
		if _, tag, has := strings.Cut(image, ":"); has {
			return tag
		}
	}
	if is := d.Labels["app.kubernetes.io/version"]; is != "" {
		return is
	}
	return "unknown"
}

func webhooks(f *Facts) []Line {
	const about = "admission"
	if f.Webhooks.Err != nil {
		return []Line{unread(about, "ValidatingWebhookConfigurations", f.Webhooks.Err)}
	}
	if len(f.Webhooks.Value) == 0 {
		return []Line{{Note, about, "no webhook refuses invalid objects: they are stored, and say so in their status", "set admission.enabled of the chart for a refusal at once"}}
	}
	lines := make([]Line, len(f.Webhooks.Value))
	for i := range f.Webhooks.Value {
		lines[i] = webhook(&f.Webhooks.Value[i], f.Now)
	}
	return lines
}

func webhook(configuration *admissionv1.ValidatingWebhookConfiguration, now time.Time) Line {
	line := Line{Good, "admission " + configuration.Name, "", ""}
	var end time.Time
	for i := range configuration.Webhooks {
		last, err := trustedUntil(configuration.Webhooks[i].ClientConfig.CABundle)
		if err != nil {
			line.Level, line.Text = Wrong, fmt.Sprintf("the API server trusts no certificate of webhook %s: %v", configuration.Webhooks[i].Name, err)
			line.Do = "the controller writes it when it leads: see its log; with cert-manager, see its Certificate"
			return line
		}
		if end.IsZero() || last.Before(end) {
			end = last
		}
	}
	line.Text = "the certificate that it trusts is valid until " + end.UTC().Format(time.DateOnly)
	switch {
	case !now.Before(end):
		line.Level, line.Text = Wrong, "the certificate that it trusts has expired on "+end.UTC().Format(time.DateOnly)
		line.Do = "restart the controller, which renews its own, or see cert-manager's Certificate"
	case end.Sub(now) < certificateWarning:
		line.Level, line.Do = Note, "it should have been renewed by now: see the controller's log"
	}
	return line
}

// trustedUntil is when the last certificate of a bundle expires.
func trustedUntil(bundle []byte) (time.Time, error) {
	var end time.Time
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return end, fmt.Errorf("its caBundle can't be read: %w", err)
		}
		if certificate.NotAfter.After(end) {
			end = certificate.NotAfter
		}
	}
	if end.IsZero() {
		return end, fmt.Errorf("its caBundle is blank")
	}
	return end, nil
}
