// Package secrets reads the values that are masked in what a pod prints.
package secrets

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/runs/logs/mask"
)

// Masker knows the values of all Secrets that the pod names, which is read whole. If one
// can't be read, nothing of what the pod prints may be shown, which is why. The reader
// reads Secrets by name.
func Masker(ctx context.Context, reader client.Reader, pod *corev1.Pod) (masker *mask.Masker, why string, err error) {
	var values [][]byte
	for _, name := range mask.Secrets(pod) {
		var secret corev1.Secret
		err := reader.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: name}, &secret)
		if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
			return nil, fmt.Sprintf("KayCI can't read the Secret %s that the pod names, and so can't mask its values", name), nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("get secret %s: %w", name, err)
		}
		for _, value := range secret.Data {
			values = append(values, value)
		}
	}
	masker, known := mask.New(values)
	if !known {
		return nil, "the Secrets that the pod names are larger together than what KayCI masks", nil
	}
	return masker, "", nil
}
