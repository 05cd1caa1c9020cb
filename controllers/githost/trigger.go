package githost

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// AccessOf reads the Secret of a Trigger that has a report. A fault is that there is
// none that KayCI may read.
func AccessOf(ctx context.Context, reader client.Reader, trigger *v1alpha1.Trigger) (*Access, error) {
	report := trigger.Spec.Report
	var secret corev1.Secret
	err := reader.Get(ctx, types.NamespacedName{Namespace: trigger.Namespace, Name: report.SecretRef.Name}, &secret)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		// Whoever may write Triggers could else ask which Secrets there are.
		return nil, fault.New(v1alpha1.ReasonSecretNotUsable, fmt.Sprintf("KayCI finds no token of a git host in a Secret %s in this namespace", report.SecretRef.Name))
	case err != nil:
		return nil, fmt.Errorf("get secret %s: %w", report.SecretRef.Name, err)
	}
	return &Access{Provider: trigger.Spec.ReportProvider(), API: report.API, Secret: secret.Data}, nil
}

// OfTriggers opens the hosts of Triggers by their reports.
type OfTriggers struct {
	// Reader reads Secrets by name.
	Reader client.Reader
	// Opener opens the hosts.
	Opener *Opener
}

// Asks reports whether the Trigger has credentials for the host that its webhook is of.
func (o *OfTriggers) Asks(trigger *v1alpha1.Trigger) bool { return Asks(trigger) }

// Asks reports whether the Trigger's webhook is of the host that it has credentials for.
func Asks(trigger *v1alpha1.Trigger) bool {
	// Another host's users of the same names are other people.
	return trigger.Spec.Report != nil && trigger.Spec.Webhook != nil && trigger.Spec.ReportProvider() == trigger.Spec.Webhook.Provider
}

// Open returns the host of a Trigger that has credentials.
func (o *OfTriggers) Open(ctx context.Context, trigger *v1alpha1.Trigger) (Host, error) {
	access, err := AccessOf(ctx, o.Reader, trigger)
	if err != nil {
		return nil, err
	}
	return o.Opener.Open(ctx, access)
}
