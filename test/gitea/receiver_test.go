package gitea_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// received is a request of Gitea's, and says in a line what it tells.
type received struct {
	says   string
	header http.Header
	body   []byte
}

// receiver is where a webhook's deliveries go.
type receiver struct {
	url string

	mu sync.Mutex
	// status is what it answers with.
	status int
	list   []received
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.list = append(r.list, received{says: says(request.Header, body), header: request.Header, body: body})
	w.WriteHeader(r.status)
}

// answer sets the status that is answered from now on.
func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// all returns what has come and says this.
func (r *receiver) all(what string) (found []received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.list {
		if one.says == what {
			found = append(found, one)
		}
	}
	return found
}

// await waits until a number of requests have come that say this, and returns them.
func (r *receiver) await(t *testing.T, what string, count int) []received {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true,
		func(context.Context) (bool, error) { return len(r.all(what)) >= count, nil })
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		var list []string
		for _, one := range r.list {
			list = append(list, one.says)
		}
		t.Fatalf("wait for %q, %d times: %v; what came:\n%s", what, count, err, strings.Join(list, "\n"))
	}
	return r.all(what)
}

// says is an event, what it is about, and what has become of that.
func says(header http.Header, body []byte) string {
	var p struct {
		Ref     string `json:"ref"`
		RefType string `json:"ref_type"`
		Before  string `json:"before"`
		After   string `json:"after"`
		Action  string `json:"action"`
		Title   string `json:"title"`
		Pull    *struct {
			Title  string `json:"title"`
			Merged bool   `json:"merged"`
		} `json:"pull_request"`
		Comment *struct {
			Body string `json:"body"`
		} `json:"comment"`
		Release *struct {
			Tag string `json:"tag_name"`
		} `json:"release"`
		Context string `json:"context"`
		State   string `json:"state"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return err.Error()
	}
	words := []string{header.Get("X-Gitea-Event"), p.Action, p.RefType, p.Ref, p.Context, p.State}
	if p.Comment != nil {
		words = append(words, fmt.Sprintf("%q", p.Comment.Body))
	} else if p.Pull != nil {
		words = append(words, fmt.Sprintf("%q", p.Pull.Title))
	}
	if p.Pull != nil && p.Pull.Merged {
		words = append(words, "merged")
	}
	if p.Release != nil {
		words = append(words, p.Release.Tag)
	}
	if p.Before == p.After && p.After != "" {
		words = append(words, "unchanged")
	}
	if p.Ref != "" && strings.Trim(p.After, "0") == "" && p.After != "" {
		words = append(words, "deleted")
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
