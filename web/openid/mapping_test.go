package openid_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/viewer"
)

// TestMapping: what the API server's own flags of these names would make of claims.
func TestMapping(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example.com"
	byEmail := openid.Mapping{UsernameClaim: "email", GroupsClaim: "groups", GroupsPrefix: "oidc:", Groups: []string{"oidc:a", "b", "oidc:system:masters"}}
	for name, tt := range map[string]struct {
		mapping openid.Mapping
		claims  map[string]any
		want    *viewer.Person
		err     string
	}{
		"email":               {byEmail, map[string]any{"email": "anna@example.com", "email_verified": true, "groups": []any{"a", "b", "c", "masters"}}, &viewer.Person{User: "anna@example.com", Groups: []string{"oidc:a"}}, ""},
		"one group":           {byEmail, map[string]any{"email": "anna@example.com", "groups": "a"}, &viewer.Person{User: "anna@example.com", Groups: []string{"oidc:a"}}, ""},
		"no groups":           {byEmail, map[string]any{"email": "anna@example.com"}, &viewer.Person{User: "anna@example.com"}, ""},
		"email not verified":  {byEmail, map[string]any{"email": "anna@example.com", "email_verified": false}, nil, "isn't verified"},
		"email perhaps":       {byEmail, map[string]any{"email": "anna@example.com", "email_verified": "true"}, nil, "isn't verified"},
		"the issuer's prefix": {openid.Mapping{UsernameClaim: "sub"}, map[string]any{"sub": "7"}, &viewer.Person{User: issuer + "#7"}, ""},
		"a prefix":            {openid.Mapping{UsernameClaim: "sub", UsernamePrefix: "oidc:"}, map[string]any{"sub": "7"}, &viewer.Person{User: "oidc:7"}, ""},
		"no prefix":           {openid.Mapping{UsernameClaim: "sub", UsernamePrefix: "-"}, map[string]any{"sub": "7"}, &viewer.Person{User: "7"}, ""},
		"no name":             {byEmail, map[string]any{"sub": "7"}, nil, "email is no name"},
		"a number":            {openid.Mapping{UsernameClaim: "sub"}, map[string]any{"sub": 7}, nil, "sub is no name"},
		"groups of numbers":   {byEmail, map[string]any{"email": "anna@example.com", "groups": []any{7}}, nil, "no list of texts"},
		"groups by name":      {byEmail, map[string]any{"email": "anna@example.com", "groups": map[string]any{"a": true}}, nil, "no list of texts"},
		"one of the cluster":  {openid.Mapping{UsernameClaim: "sub", UsernamePrefix: "-"}, map[string]any{"sub": "system:admin"}, nil, "the cluster's own"},
		"two lines":           {openid.Mapping{UsernameClaim: "sub", UsernamePrefix: "-"}, map[string]any{"sub": "a\nb"}, nil, "characters that nobody sees"},
		"long":                {openid.Mapping{UsernameClaim: "sub", UsernamePrefix: "-"}, map[string]any{"sub": strings.Repeat("a", 600)}, nil, "more than 512 bytes"},
	} {
		got, err := tt.mapping.Person(issuer, tt.claims)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %q", name, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
