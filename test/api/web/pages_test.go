package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// steady takes out of a page what differs from one test to the next: the API server
// says when an object was made, and which version of it that was.
func steady(html string) string {
	html = regexp.MustCompile(`data-version="\d+"`).ReplaceAllString(html, `data-version="VERSION"`)
	html = regexp.MustCompile(`name="uid" value="[0-9a-f-]{36}"`).ReplaceAllString(html, `name="uid" value="UID"`)
	html = regexp.MustCompile(`<time datetime="[^"]*">[^<]*</time></td>\s*<td>`).ReplaceAllString(html, "<time>TIME</time></td>\n<td>")
	return regexp.MustCompile(`(?s)<svg class="bars".*?</svg>`).ReplaceAllString(html, "BARS")
}

// TestPages: what a viewer of the namespace sees. Nothing that a build or a stranger has
// written becomes a part of the page.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSite(t))
	rules := append(viewing(), rule("kayci.dev", "runs", "create", "patch", "approve"), rule("kayci.dev", "configrepos", "patch"))
	token := w.user(t, "anna", rules...)
	ns := "/ns/" + w.namespace
	for name, path := range map[string]string{
		"namespaces":    "/",
		"help":          "/help",
		"runs":          ns,
		"runs-none":     ns + "?sha=0000",
		"runs-filter":   ns + "?phase=Failed&ref=main&sender=anna&sha=8F3C&q=login",
		"run-failed":    ns + "/runs/web-failed",
		"run-asking":    ns + "/runs/web-asking",
		"job":           ns + "/runs/web-failed/jobs/test",
		"pipeline":      ns + "/pipelines/web",
		"pipeline-like": ns + "/pipelines/web?like=web-failed",
		"configrepo":    ns + "/configrepos/config",
		"trigger":       ns + "/triggers/web-push",
		"no-run":        ns + "/runs/none",
		"no-job":        ns + "/runs/web-failed/jobs/none",
		"nowhere":       "/nowhere",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.get(t, token, path)
			if want := strings.HasPrefix(name, "no"); got.status != http.StatusOK && !want || want && got.status != http.StatusNotFound {
				t.Errorf("answered with %d", got.status)
			}
			if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "require-trusted-types-for 'script'") {
				t.Errorf("the policy is %q", policy)
			}
			if strings.Contains(got.body, hostile) {
				t.Error("a stranger's text is a part of the page")
			}
			shows(t, token, got.body)
			w.golden(t, name, steady(got.body))
		})
	}
	for number, run := range map[string]string{"1": "web-failed", "latest": "web-"} {
		got := w.get(t, token, ns+"/pipelines/web/runs/"+number)
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), ns+"/runs/"+run) {
			t.Errorf("Run %s: %d to %s", number, got.status, got.header.Get("Location"))
		}
	}
	if got := w.get(t, token, ns+"/pipelines/web/runs/99"); got.status != http.StatusNotFound || !strings.Contains(got.body, "there is no Run 99 of Pipeline web") {
		t.Errorf("a number that isn't there: %d\n%s", got.status, got.body)
	}
	shows(t, token, w.log.String())
}
