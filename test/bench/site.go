package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/process"
)

// viewerName is the account whose tokens all viewers have. To the page each token is a
// viewer of its own.
const viewerName = "viewer"

// site is `kayci web` at work.
type site struct {
	*process.Process

	cluster   *cluster
	kube      kubernetes.Interface
	namespace string
	url, log  string
}

// startSite starts the page before the cluster, for viewers of a namespace.
func startSite(ctx context.Context, c *cluster, program, namespace string) (*site, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &site{cluster: c, namespace: namespace, url: "http://" + address, log: filepath.Join(c.logs, "web.log")}
	if s.kube, err = kubernetes.NewForConfig(c.config); err != nil {
		return nil, err
	}
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	s.Process, err = startProcess(ctx, c.logs, "web", []string{"KUBECONFIG=" + c.kubeconfig, "GODEBUG=gctrace=1"},
		program, "web", "--bind-address="+address, "--trust-forwarded-token")
	if err != nil {
		return nil, err
	}
	token, err := s.token(ctx)
	if err != nil {
		return nil, err
	}
	return s, c.await(ctx, "a viewer sees the page", time.Minute, func(ctx context.Context) (bool, error) {
		if err := s.Alive(); err != nil {
			return false, err
		}
		_, err := s.look(ctx, http.DefaultClient, token, "/ns/"+namespace)
		return err == nil, nil
	})
}

// admit makes the account of viewers, with the rights to see Runs and logs.
func (s *site) admit(ctx context.Context) error {
	name := metav1.ObjectMeta{Namespace: s.namespace, Name: viewerName}
	read := []string{"get", "list", "watch"}
	for _, obj := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: name},
		&rbacv1.Role{ObjectMeta: name, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1alpha1.Group}, Resources: []string{"*"}, Verbs: read},
			{APIGroups: []string{""}, Resources: []string{"pods", "pods/log", "events"}, Verbs: read},
			{APIGroups: []string{"apps"}, Resources: []string{"controllerrevisions"}, Verbs: read},
		}},
		&rbacv1.RoleBinding{
			ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: viewerName},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: viewerName}},
		},
	} {
		if err := s.cluster.client.Create(ctx, obj); client.IgnoreAlreadyExists(err) != nil {
			return fmt.Errorf("make a viewer: %w", err)
		}
	}
	return nil
}

// token is that of another viewer.
func (s *site) token(ctx context.Context) (string, error) {
	made, err := s.kube.CoreV1().ServiceAccounts(s.namespace).CreateToken(ctx, viewerName, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("make a viewer's token: %w", err)
	}
	return made.Status.Token, nil
}

// open asks for a path as a viewer.
func (s *site) open(ctx context.Context, by *http.Client, token, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := by.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return nil, fmt.Errorf("%s answers %s: %s", path, answer.Status, said)
	}
	return answer, nil
}

// look reads a page as a viewer. It returns how long its first byte took.
func (s *site) look(ctx context.Context, by *http.Client, token, path string) (time.Duration, error) {
	var took time.Duration
	began := time.Now()
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { took = time.Since(began) }})
	answer, err := s.open(traced, by, token, path)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return took, nil
}

// framed is a line of a log as the page's script gets it.
type framed struct {
	printed time.Time
	text    []byte
}

// follow reads a job's log as it is printed, until the context or the log ends.
func (s *site) follow(ctx context.Context, by *http.Client, token, run string, each func(framed)) error {
	answer, err := s.open(ctx, by, token, "/ns/"+s.namespace+"/runs/"+run+"/jobs/"+printJob+"/log?follow=1&frames=1")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line[0] == 'E' {
			return nil
		}
		fields := bytes.SplitN(bytes.TrimSuffix(line, []byte("\n")), []byte(" "), 3)
		if len(fields) != 3 {
			return fmt.Errorf("no line of a log: %q", line)
		}
		printed, err := time.Parse(time.RFC3339Nano, string(fields[1]))
		if err != nil {
			return fmt.Errorf("no line of a log: %w", err)
		}
		each(framed{printed, fields[2]})
	}
}

// heap is what was in use after the last garbage collection, in bytes.
func (s *site) heap() (float64, error) {
	log, err := os.ReadFile(s.log)
	if err != nil {
		return 0, err
	}
	return lastHeap(string(log))
}

// lastHeap reads it from what Go prints at each collection: the heap before and after it,
// and what of that lives.
func lastHeap(log string) (float64, error) {
	all := regexp.MustCompile(`(?m)^gc \d+ @.* \d+->\d+->(\d+) MB,`).FindAllStringSubmatch(log, -1)
	if len(all) == 0 {
		return 0, fmt.Errorf("no garbage was collected: %s", strings.TrimSpace(log[:min(len(log), 200)]))
	}
	mib, err := strconv.ParseFloat(all[len(all)-1][1], 64)
	return mib * mebibyte, err
}
