package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/webhook"
)

// Ports of the controller in its pod: where it receives webhooks, and where the
// API server asks it.
const (
	containerPort = 8080
	admissionPort = 9443
)

// WebhookURL returns where webhooks can be sent to from this machine, through
// KayCI's Service. The function ends what makes it reachable.
func (c *Cluster) WebhookURL(ctx context.Context) (url string, stop func(), err error) {
	var service corev1.Service
	if err := c.Client.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: Release}, &service); err != nil {
		return "", nil, fmt.Errorf("get KayCI's Service: %w", err)
	}
	port := int(service.Spec.Ports[0].Port)
	return c.reach(ctx, "service/"+Release, service.Spec.ClusterIP, port)
}

// PageURL returns where the web page answers, which is to be installed, for a browser on
// this machine. It is blank of a cluster that isn't the local one, in whose network this
// machine needn't be.
func (c *Cluster) PageURL(ctx context.Context) (string, error) {
	var service corev1.Service
	if err := c.Client.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: Release + "-web"}, &service); err != nil {
		return "", fmt.Errorf("get the page's Service: %w", err)
	}
	if c.opts.Current {
		// There might be anything at that address.
		return "", nil
	}
	// The Service has the port that http has.
	url := "http://" + service.Spec.ClusterIP
	err := c.opts.Progress.Wait(ctx, "the web page", 90*time.Second, func(ctx context.Context) (bool, string, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", http.NoBody)
		if err != nil {
			return false, "", err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, "", Retry(err)
		}
		return answer.StatusCode == http.StatusOK, answer.Status, answer.Body.Close()
	})
	return url, err
}

// PodWebhookURL returns where webhooks can be sent to one replica.
func (c *Cluster) PodWebhookURL(ctx context.Context, pod *corev1.Pod) (url string, stop func(), err error) {
	return c.reach(ctx, "pod/"+pod.Name, pod.Status.PodIP, containerPort)
}

// PodAdmission returns the address at which one replica is asked by the API
// server.
func (c *Cluster) PodAdmission(ctx context.Context, pod *corev1.Pod) (address string, stop func(), err error) {
	url, stop, err := c.reach(ctx, "pod/"+pod.Name, pod.Status.PodIP, admissionPort)
	return strings.TrimPrefix(url, "http://"), stop, err
}

// AwaitWebhook waits until every replica knows what is at a path of webhooks, with that
// token: each reads from a cache of its own, and one that doesn't know it yet refuses
// what is sent there. What is sent is signed, and says nothing.
func (c *Cluster) AwaitWebhook(ctx context.Context, progress *Progress, path, token string) error {
	probe, err := webhook.Generic(nil, token)
	if err != nil {
		return err
	}
	probe.Body = []byte("not JSON")
	for _, provider := range []v1alpha1.Provider{v1alpha1.ProviderGitHub, v1alpha1.ProviderGitea} {
		signed, err := webhook.Signed(provider, "push", probe.Body, token, "probe")
		if err != nil {
			return err
		}
		maps.Copy(probe.Header, signed.Header)
	}
	pods, err := c.Replicas(ctx)
	if err != nil {
		return err
	}
	for i := range pods {
		if err := c.awaitWebhook(ctx, progress, &pods[i], path, probe); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) awaitWebhook(ctx context.Context, progress *Progress, pod *corev1.Pod, path string, probe webhook.Delivery) error {
	url, stop, err := c.PodWebhookURL(ctx, pod)
	if err != nil {
		return err
	}
	defer stop()
	return progress.Wait(ctx, "pod "+pod.Name+" to know "+path, 90*time.Second, func(ctx context.Context) (bool, string, error) {
		answer, err := probe.Post(ctx, url+path)
		if err != nil {
			return false, "", Retry(err)
		}
		return answer.Status == http.StatusBadRequest, http.StatusText(answer.Status), nil
	})
}

// reach uses the address itself where this machine is in the cluster's network,
// and kubectl's port-forward elsewhere.
func (c *Cluster) reach(ctx context.Context, object, address string, port int) (url string, stop func(), err error) {
	direct := net.JoinHostPort(address, strconv.Itoa(port))
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", direct)
	if err == nil {
		return "http://" + direct, func() {}, conn.Close()
	}
	return c.forward(ctx, object, port)
}

func (c *Cluster) forward(ctx context.Context, object string, port int) (url string, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, c.kubectl, "port-forward", "--namespace", c.Namespace, object, fmt.Sprintf(":%d", port))
	cmd.Env = c.kubeEnv()
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return "", nil, fmt.Errorf("forward a port to %s: %w", object, err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return "", nil, fmt.Errorf("forward a port to %s: %w", object, err)
	}
	stop = func() {
		cancel()
		_ = cmd.Wait() // it was killed just now
	}
	// Forwarding from 127.0.0.1:34567 -> 8080
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) < 3 {
		stop()
		return "", nil, errors.Join(fmt.Errorf("forward a port to %s: kubectl said %q", object, line), err)
	}
	return "http://" + fields[2], stop, nil
}

// Replicas returns the running pods of the controller.
func (c *Cluster) Replicas(ctx context.Context) ([]corev1.Pod, error) {
	pods, err := c.replicas(ctx)
	return running(pods), err
}

func running(pods []corev1.Pod) []corev1.Pod {
	return slices.DeleteFunc(pods, func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning
	})
}

func (c *Cluster) replicas(ctx context.Context) ([]corev1.Pod, error) {
	return c.podsOf(ctx, "controller")
}

func (c *Cluster) podsOf(ctx context.Context, component string) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := c.Client.List(ctx, &pods, client.InNamespace(c.Namespace), client.MatchingLabels{
		"app.kubernetes.io/name": Release, "app.kubernetes.io/component": component,
	})
	if err != nil {
		return nil, fmt.Errorf("list KayCI's pods: %w", err)
	}
	return pods.Items, nil
}
