package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

const badTrigger = `apiVersion: kayci.dev/v1alpha1
kind: Trigger
metadata: {name: bad}
spec:
  pipeline: web
  webhook: {provider: github, secretRef: {name: hook}, if: event.brunch == 'main'}
`

func TestABadObjectIsRefusedAsItIsWritten(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte(badTrigger), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `The Trigger "bad" is invalid: spec.webhook.if: Invalid value: 1:6: undefined field 'brunch'`
	out, err := s.Kubectl(s.ctx, "apply", "--namespace", s.namespace, "--filename", file)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("kubectl said %q, %v; want %q", out, err, want)
	}
	later := s.pipeline("later", script("one", "true", "two"), script("two", "true"))
	err = s.Client.Create(s.ctx, later)
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), `spec.jobs[0].needs[0]: Invalid value: "two": names a later job`) {
		t.Errorf("a need of a later job is answered with %v", err)
	}
}

// refusesBad fails unless the API server gets the webhook's verdict.
func (s *space) refusesBad(t *testing.T) {
	t.Helper()
	bad := s.trigger("bad", "web", v1alpha1.ProviderGitHub)
	bad.Spec.Webhook.If = "("
	if err := s.Client.Create(s.ctx, bad, client.DryRunAll); !apierrors.IsInvalid(err) {
		t.Errorf("a bad Trigger is answered with: %v", err)
	}
}

// Not parallel, like what follows: every other test relies on admission.
func TestTheCertificateIsReplacedWithoutAGap(t *testing.T) {
	s := newSpace(t)
	key := client.ObjectKey{Namespace: s.Namespace, Name: cluster.Release + "-admission"}
	var secret corev1.Secret
	if err := s.Client.Get(s.ctx, key, &secret); err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(secret.Data[corev1.TLSCertKey])
	if len(before) == 0 {
		t.Fatal("the Secret of the admission webhook holds no certificate")
	}
	secret.Data = nil
	if err := s.Client.Update(s.ctx, &secret); err != nil {
		t.Fatal(err)
	}
	pods, err := s.Replicas(s.ctx)
	if err != nil || len(pods) == 0 {
		t.Fatalf("replicas: %d, %v", len(pods), err)
	}
	for i := range pods {
		address, stop, err := s.PodAdmission(s.ctx, &pods[i])
		if err != nil {
			t.Fatal(err)
		}
		s.await(t, pods[i].Name+" to serve the new certificate", func(ctx context.Context) (bool, string, error) {
			s.refusesBad(t)
			if err := s.Client.Get(ctx, key, &secret); err != nil {
				return false, "", cluster.Retry(err)
			}
			made := secret.Data[corev1.TLSCertKey]
			served, err := servedCertificate(ctx, address)
			if err != nil {
				return false, "", cluster.Retry(err)
			}
			done := len(made) > 0 && !bytes.Equal(made, before) && bytes.HasPrefix(made, served)
			return done, fmt.Sprintf("made: %t, served: %t", !bytes.Equal(made, before), bytes.HasPrefix(made, served)), nil
		})
		stop()
	}
	s.refusesBad(t)
}

func servedCertificate(ctx context.Context, address string) ([]byte, error) {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 5 * time.Second},
		Config:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // which one is served is the question: API servers verify it
	}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is no TLS connection", conn)
	}
	leaf := secure.ConnectionState().PeerCertificates[0]
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), nil
}

// Not parallel: no other test can go on while there is no replica.
func TestWithoutAReplicaOnlyItsOwnKindsAreRefused(t *testing.T) {
	s := newSpace(t)
	s.create(t, s.pipeline("kept", script("one", "true")))
	count := s.scale(t, 0)
	t.Cleanup(func() {
		s.ctx = context.WithoutCancel(s.ctx)
		s.scale(t, count)
		if err := s.AwaitRollout(s.ctx); err != nil {
			t.Error(err)
		}
	})
	if err := s.AwaitReplicas(s.ctx); err != nil {
		t.Fatal(err)
	}
	err := s.Client.Create(s.ctx, s.pipeline("new", script("one", "true")))
	if !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), `failed calling webhook "pipelines.kayci.dev"`) {
		t.Errorf("a Pipeline is answered with %v, want that the webhook can't be called", err)
	}
	if err := s.asController(t).Create(s.ctx, s.pipeline("synced", script("one", "true")), client.DryRunAll); err != nil {
		t.Errorf("the controller's own Pipeline is answered with %v: it could not start by itself", err)
	}
	s.create(t, &corev1.ConfigMap{ObjectMeta: s.meta("other")})
	// The garbage collector ends such a deletion by an update.
	if err := s.Client.Delete(s.ctx, &v1alpha1.Pipeline{ObjectMeta: s.meta("kept")}, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Errorf("delete a Pipeline: %v", err)
	}
	s.awaitGone(t, "the Pipeline", &v1alpha1.PipelineList{})
}

// asController returns a client with the controller's identity and rights.
func (s *space) asController(t *testing.T) client.Client {
	t.Helper()
	return s.as(t, "system:serviceaccount:"+s.Namespace+":"+cluster.Release)
}

// as returns a client with a user's identity and rights.
func (s *space) as(t *testing.T, user string) client.Client {
	t.Helper()
	cfg := rest.CopyConfig(s.Config)
	cfg.Impersonate.UserName = user
	c, err := client.New(cfg, client.Options{Scheme: s.Client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// scale sets the number of replicas and returns what it was.
func (s *space) scale(t *testing.T, replicas int32) int32 {
	t.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: cluster.Release}}
	scale := &autoscalingv1.Scale{}
	if err := s.Client.SubResource("scale").Get(s.ctx, deployment, scale); err != nil {
		t.Fatal(err)
	}
	before := scale.Spec.Replicas
	scale.Spec.Replicas = replicas
	if err := s.Client.SubResource("scale").Update(s.ctx, deployment, client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	return before
}
