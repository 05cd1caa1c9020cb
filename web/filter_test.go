package web

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Name: "web-push-abc"},
		Spec: v1alpha1.RunSpec{Pipeline: "web", Origin: &v1alpha1.Origin{
			SHA: "8f3c1d0e", Ref: "refs/heads/main", Branch: "main", PullRequest: 42, Sender: "anna", Title: "Fix Login",
		}},
		Status: v1alpha1.RunStatus{Number: 12, Phase: v1alpha1.RunRunning},
	}
	bare := &v1alpha1.Run{Spec: v1alpha1.RunSpec{Pipeline: "web"}}
	for query, want := range map[string]struct{ run, bare bool }{
		"":                              {true, true},
		"pipeline=web":                  {true, true},
		"pipeline=we":                   {false, false},
		"phase=Running":                 {true, false},
		"phase=Queued":                  {false, true},
		"phase=active":                  {true, true},
		"phase=Failed":                  {false, false},
		"ref=main":                      {true, false},
		"ref=refs/heads/main":           {true, false},
		"ref=mai":                       {false, false},
		"sha=8F3C":                      {true, false},
		"sha=f3c":                       {false, false},
		"pr=42":                         {true, false},
		"pr=%2342":                      {true, false},
		"pr=4":                          {false, false},
		"sender=anna":                   {true, false},
		"q=login":                       {true, false},
		"q=web/12":                      {true, false},
		"q=%2312":                       {true, false},
		"q=nothing":                     {false, false},
		"q=login&phase=Failed":          {false, false},
		"pipeline=web&ref=main&pr=42":   {true, false},
		"unknown=parameter&q=++WEB++":   {true, true},
		"q=%3Cscript%3E&sender=%00%0A+": {false, false},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		f := filterOf(values)
		if got := f.matches(run); got != want.run {
			t.Errorf("%q: a Run passes: %v", query, got)
		}
		if got := f.matches(bare); got != want.bare {
			t.Errorf("%q: a Run without an origin passes: %v", query, got)
		}
	}
}

func TestFilterInAddresses(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct {
		query, more string
		set         bool
	}{
		"":                            {"", "limit=200", false},
		"limit=0":                     {"", "limit=200", false},
		"limit=-3":                    {"", "limit=200", false},
		"limit=9999":                  {"limit=500", "limit=500", false},
		"phase=Failed&x=y":            {"phase=Failed", "limit=200&phase=Failed", true},
		"q=%3Ca%26b&limit=100&pr=%23": {"limit=100&q=%3Ca%26b", "limit=400&q=%3Ca%26b", true},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		f := filterOf(values)
		if f.Query() != want.query || f.More() != want.more || f.Set() != want.set {
			t.Errorf("%q: %q, %q, %v", query, f.Query(), f.More(), f.Set())
		}
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	text, blank := "a\nb", ""
	params := []v1alpha1.Param{{Name: "required"}, {Name: "lines", Default: &text}, {Name: "blank", Default: &blank}}
	for name, tt := range map[string]struct {
		form url.Values
		want map[string]string
	}{
		"nothing":            {url.Values{}, map[string]string{}},
		"as they were shown": {url.Values{"param.required": {""}, "param.lines": {"a\r\nb"}, "param.blank": {""}}, map[string]string{}},
		"cleared":            {url.Values{"param.lines": {""}}, map[string]string{"lines": ""}},
		"changed":            {url.Values{"param.required": {`it's "x"`}, "param.blank": {"\r\n"}}, map[string]string{"required": `it's "x"`, "blank": "\n"}},
		"unknown":            {url.Values{"param.other": {"x"}, "next": {"/"}, "param": {"y"}}, map[string]string{"other": "x"}},
	} {
		if diff := cmp.Diff(tt.want, paramsOf(tt.form, params)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
