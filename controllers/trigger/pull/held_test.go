package pull

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

var now = time.Date(2026, 5, 4, 9, 0, 0, 5, time.UTC)

func heldHead(number int64, sha string) v1alpha1.HeldHead {
	return v1alpha1.HeldHead{
		Repository: "acme/web", PullRequest: number, SHA: sha, Author: "stranger", Title: "Fix",
		URL: "https://git.example.com/acme/web/pulls/7", Since: metav1.NewTime(now).Rfc3339Copy(),
	}
}

func TestHold(t *testing.T) {
	var full []v1alpha1.HeldHead
	for number := range int64(v1alpha1.MaxHeld) {
		full = append(full, heldHead(100+number, next))
	}
	hostile := heldHead(7, head)
	hostile.Author, hostile.Title, hostile.URL = strings.Repeat("a", 252)+"…", strings.Repeat("x", 256), ""
	elsewhere := heldHead(7, next)
	elsewhere.Repository = "acme/docs"
	tests := map[string]struct {
		held    []v1alpha1.HeldHead
		edit    func(*event.Event)
		want    []v1alpha1.HeldHead
		changed bool
	}{
		"the first":  {want: []v1alpha1.HeldHead{heldHead(7, head)}, changed: true},
		"again":      {held: []v1alpha1.HeldHead{heldHead(7, head)}, want: []v1alpha1.HeldHead{heldHead(7, head)}},
		"a new push": {held: []v1alpha1.HeldHead{heldHead(7, next), heldHead(8, next)}, want: []v1alpha1.HeldHead{heldHead(8, next), heldHead(7, head)}, changed: true},
		"of another": {held: []v1alpha1.HeldHead{elsewhere}, want: []v1alpha1.HeldHead{elsewhere, heldHead(7, head)}, changed: true},
		"too many":   {held: full, want: append(full[1:len(full):len(full)], heldHead(7, head)), changed: true},
		"what doesn't fit": {
			edit: func(e *event.Event) {
				e.PullRequest.Author, e.PullRequest.Title = strings.Repeat("a", 9000), strings.Repeat("x", 9000)
				e.PullRequest.URL = "https://git.example.com/" + strings.Repeat("x", 9000)
			},
			want: []v1alpha1.HeldHead{hostile}, changed: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := request(v1alpha1.ActionOpened)
			if tt.edit != nil {
				tt.edit(e)
			}
			got, changed := Hold(tt.held, e, now)
			if diff := cmp.Diff(tt.want, got); diff != "" || changed != tt.changed {
				t.Errorf("changed is %v; -want +got:\n%s", changed, diff)
			}
		})
	}
}

func TestRelease(t *testing.T) {
	both := []v1alpha1.HeldHead{heldHead(7, head), heldHead(8, next)}
	tests := map[string]struct {
		sha     string
		number  int64
		want    []v1alpha1.HeldHead
		changed bool
	}{
		"that head":           {sha: head, number: 7, want: both[1:], changed: true},
		"a shortened name":    {sha: head[:12], number: 7, want: both[1:], changed: true},
		"a newer one is held": {sha: next, number: 7, want: both},
		"any":                 {number: 7, want: both[1:], changed: true},
		"none is held":        {number: 9, want: both},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := request(v1alpha1.ActionClosed, func(e *event.Event) { e.PullRequest.Number = tt.number })
			got, changed := Release(both, e, tt.sha)
			if diff := cmp.Diff(tt.want, got); diff != "" || changed != tt.changed {
				t.Errorf("changed is %v; -want +got:\n%s", changed, diff)
			}
		})
	}
}
