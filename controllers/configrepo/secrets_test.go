package configrepo_test

import (
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/sync/git"
)

// TestRefusedSecretIsUsedOnceChanged: the repository isn't asked with the same
// credentials before the interval is over, and with others within 30 seconds.
func TestRefusedSecretIsUsedOnceChanged(t *testing.T) {
	repo := configRepo()
	repo.Spec.AllowEmpty = true
	repo.Spec.Interval = &metav1.Duration{Duration: time.Hour}
	repo.Spec.SecretRef = &meta.LocalObjectReference{Name: "git"}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "git"}}
	w := newWorld(t, repo, secret)
	w.headErr = func() error { return &git.Error{Reason: git.ReasonAuthenticationFailed} }
	for range 3 {
		result, _, _ := w.reconcile(t)
		expect(t, "wait", ctrl.Result{RequeueAfter: 30 * time.Second}, result)
		expect(t, "looks with what was refused", 1, w.looks)
		w.clock.SetTime(w.clock.Now().Add(30 * time.Second))
	}

	secret.Data = map[string][]byte{"bearerToken": []byte("x")}
	if err := w.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.headErr = nil
	result, _, _ := w.reconcile(t)
	expect(t, "wait once all is well", ctrl.Result{RequeueAfter: time.Hour}, result)
	expect(t, "looks with another Secret", 2, w.looks)
}
