package certificate

import (
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// SetupWithManager runs the Keeper on every replica: one that waits for the
// leader could never take over from a leader of an older version.
func (k *Keeper) SetupWithManager(mgr ctrl.Manager) error {
	secret := metadataOf(corev1.SchemeGroupVersion.WithKind("Secret"))
	validating := metadataOf(admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingWebhookConfiguration"))
	mutating := metadataOf(admissionregistrationv1.SchemeGroupVersion.WithKind("MutatingWebhookConfiguration"))
	watched, err := cluster.New(mgr.GetConfig(), func(o *cluster.Options) {
		o.Scheme = mgr.GetScheme()
		o.Logger = mgr.GetLogger()
		o.Client.Cache = &client.CacheOptions{DisableFor: append(configurations(), &corev1.Secret{})}
		// By name, so that no right is needed but on these three objects, and without
		// their content.
		o.Cache.ByObject = map[client.Object]cache.ByObject{
			secret: {Namespaces: map[string]cache.Config{
				k.Secret.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", k.Secret.Name)},
			}},
			validating: {Field: fields.OneTermEqualSelector("metadata.name", k.Configuration)},
			mutating:   {Field: fields.OneTermEqualSelector("metadata.name", k.Configuration)},
		}
	})
	if err != nil {
		return fmt.Errorf("watch the certificate of the admission webhook: %w", err)
	}
	if err := mgr.Add(watched); err != nil {
		return fmt.Errorf("watch the certificate of the admission webhook: %w", err)
	}
	k.client = watched.GetClient()
	request := ctrl.Request{NamespacedName: k.Secret}
	all := handler.TypedEnqueueRequestsFromMapFunc(func(context.Context, *metav1.PartialObjectMetadata) []ctrl.Request {
		return []ctrl.Request{request}
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("admission-certificate").
		WatchesRawSource(source.Kind(watched.GetCache(), secret, all)).
		WatchesRawSource(source.Kind(watched.GetCache(), validating, all)).
		WatchesRawSource(source.Kind(watched.GetCache(), mutating, all)).
		// If none exists, no event would ever lead to an error that says so.
		WatchesRawSource(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
			queue.Add(request)
			return nil
		})).
		WithOptions(controller.Options{NeedLeaderElection: new(false)}).
		Complete(k)
}

func metadataOf(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(kind)
	return object
}
