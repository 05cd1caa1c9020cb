package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// printingNode is a node whose kubelet prints logs, and has no containers.
	printingNode = "printing"
	// tenth is how often it prints: programs print more lines than one at a time.
	tenth = 100 * time.Millisecond
)

// node answers the API server as a kubelet does that is asked for logs: one that is
// printed on and on, and a large one.
type node struct {
	*httptest.Server

	// perTenth is how many lines are printed at a time.
	perTenth int
	// large is a log with times, and bare without.
	large, bare []byte
}

// startNode starts the node, with a large log of so many lines.
func startNode(ctx context.Context, c *cluster, perSecond, large int) (*node, error) {
	n := &node{perTenth: max(1, perSecond/10)}
	now := time.Now().Add(-time.Minute)
	var stamped, bare bytes.Buffer
	for i := range large {
		text := logLine(i)
		bare.WriteString(text)
		stamped.WriteString(now.Add(time.Duration(i)*time.Microsecond).UTC().Format(stampLayout) + " " + text)
	}
	n.large, n.bare = stamped.Bytes(), bare.Bytes()
	var err error
	n.Server, err = startKubelet(ctx, c, printingNode, http.HandlerFunc(n.serve))
	return n, err
}

// startKubelet makes a node whose kubelet is the handler.
func startKubelet(ctx context.Context, c *cluster, name string, kubelet http.Handler) (_ *httptest.Server, err error) {
	server := httptest.NewTLSServer(kubelet)
	defer func() {
		if err != nil {
			server.Close()
		}
	}()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return nil, err
	}
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.client.Create(ctx, object); err != nil {
		return nil, fmt.Errorf("make a node: %w", err)
	}
	object.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	object.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	return server, c.client.Status().Update(ctx, object)
}

// stampLayout is how a node writes times.
const stampLayout = "2006-01-02T15:04:05.000000000Z07:00"

// logLine is a line as programs print them, of 104 bytes.
func logLine(number int) string {
	return fmt.Sprintf("%-103.103s\n", fmt.Sprintf("%08d ok   github.com/acme/web/internal/server/middleware 0.412s coverage: 84.2%% of statements", number))
}

// serve answers with a log: the large one of the container of that name, and any other as
// it is printed.
func (n *node) serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !strings.HasSuffix(r.URL.Path, "/"+largeLog) {
		n.print(w, r)
		return
	}
	log := n.bare
	if query.Get("timestamps") == "true" {
		log = n.large
	}
	if query.Get("tailLines") == "1" {
		log = log[bytes.LastIndexByte(log[:len(log)-1], '\n')+1:]
	}
	_, _ = w.Write(log) // Who is gone reads no log.
}

// print prints lines until nobody reads them any more.
func (n *node) print(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(tenth)
	defer ticker.Stop()
	var text bytes.Buffer
	for number := 0; ; {
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
		text.Reset()
		for range n.perTenth {
			text.WriteString(time.Now().UTC().Format(stampLayout) + " " + logLine(number))
			number++
		}
		if _, err := w.Write(text.Bytes()); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}
