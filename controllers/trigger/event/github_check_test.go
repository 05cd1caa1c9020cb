package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestCheckOfNothing: what can't be acted on is an error, and what isn't KayCI's name of
// a Run is none.
func TestCheckOfNothing(t *testing.T) {
	t.Parallel()
	body := func(id, sha, repository, sender string) string {
		return fmt.Sprintf(`{"action":"rerequested","check_run":{"external_id":%s,"head_sha":%q},"repository":{"full_name":%q},"sender":{"login":%q}}`, id, sha, repository, sender)
	}
	for name, tt := range map[string]struct{ body, check, err string }{
		"a name":             {body: body(`"ci/a/b/c"`, head, "acme/web", "mona"), check: "ci/a/b/c"},
		"no name":            {body: body(`null`, head, "acme/web", "mona")},
		"a long name":        {body: body(`"`+strings.Repeat("x", 513)+`"`, head, "acme/web", "mona")},
		"control characters": {body: body(`"a\u0000b"`, head, "acme/web", "mona")},
		"another type":       {body: body(`7`, head, "acme/web", "mona"), err: "the payload's field check_run.external_id can't be of type number"},
		"no commit":          {body: body(`"a"`, "main", "acme/web", "mona"), err: "the payload names no commit"},
		"no repository":      {body: body(`"a"`, head, "", "mona"), err: "the payload names no repository"},
		"no sender":          {body: body(`"a"`, head, "acme/web", ""), err: "the payload names no sender"},
		"a suite's":          {body: strings.Replace(body(`"a"`, head, "acme/web", "mona"), "check_run", "check_suite", 1), err: "the payload names no commit"},
	} {
		got, err := Parse(v1alpha1.ProviderGitHub, "check_run", []byte(tt.body))
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: the error is %v, want %s", name, err, tt.err)
			}
			continue
		}
		if err != nil || got[0].Kind != KindRerun || got[0].Check != tt.check {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
