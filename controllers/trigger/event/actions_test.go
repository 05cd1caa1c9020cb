package event

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// actionCase is what a payload's fields are replaced by, and the actions that follow,
// each with its label.
type actionCase struct {
	fields map[string]any
	want   string
}

func expectActions(t *testing.T, provider v1alpha1.Provider, header, file string, cases []actionCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.want, func(t *testing.T) {
			got, err := Parse(provider, header, edited(t, file, tt.fields))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, actionsOf(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func actionsOf(events []*Event) string {
	var actions []string
	for _, e := range events {
		actions = append(actions, strings.TrimSpace(string(e.Action)+" "+e.Label))
	}
	return strings.Join(actions, ", ")
}
