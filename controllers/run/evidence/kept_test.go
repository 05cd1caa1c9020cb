package evidence_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/store/tests"
)

// found is what is read of a termination message.
type found struct {
	Tests    *v1alpha1.TestSummary
	Warnings []string
}

func findings(pods ...corev1.Pod) found {
	summary, warnings := evidence.Tests(pods)
	return found{summary, warnings}
}

func failures(n int, format string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return strings.Join(all, ",")
}

func TestFindings(t *testing.T) {
	t.Parallel()
	ten := make([]v1alpha1.FailedTest, 10)
	for i := range ten {
		ten[i].Name = fmt.Sprintf("Test%d", i)
	}
	impossible := func(numbers string) found {
		return found{Warnings: []string{"the numbers of its tests can't be true: " + numbers}}
	}
	for name, tt := range map[string]struct {
		message string
		want    found
	}{
		"nothing":    {"", found{}},
		"no tests":   {`{}`, found{}},
		"text":       {"kept 3 artifacts", found{}},
		"half":       {`{"tests": {"tests": 1}, "warnings": ["a`, found{}},
		"two":        {`{"tests": {"tests": 1}} {}`, found{}},
		"a list":     {`[]`, found{}},
		"a number":   {`{"tests": 1}`, found{}},
		"a fraction": {`{"tests": {"tests": 1.5}}`, found{}},
		"passed":     {`{"tests": {"tests": 3, "seconds": 1.5, "else": {}}, "else": []}`, found{Tests: &v1alpha1.TestSummary{Total: 3}}},
		"failed": {
			`{"error": "no", "tests": {"tests": 9, "failed": 2, "skipped": 3, "flaky": 4, "unread": 1, "failures": [{"id": "0a", "class": "web", "name": "TestA", "message": "got 1"}, {"name": "TestB"}]}}`,
			found{Tests: &v1alpha1.TestSummary{Total: 9, Failed: 2, Skipped: 3, Flaky: 4, Unread: 1, Failures: []v1alpha1.FailedTest{{Class: "web", Name: "TestA", Message: "got 1"}, {Name: "TestB"}}}},
		},
		"more than are told": {
			`{"tests": {"tests": 12, "failed": 12, "failures": [` + failures(12, `{"name": "Test%d"}`) + `]}}`,
			found{Tests: &v1alpha1.TestSummary{Total: 12, Failed: 12, Failures: ten}},
		},
		"less than none":   {`{"tests": {"tests": -1}}`, impossible("-1")},
		"skipped by -1":    {`{"tests": {"tests": 3, "skipped": -1}}`, impossible("-1")},
		"too many":         {`{"tests": {"tests": 2147483648}}`, impossible("2147483648")},
		"far too many":     {`{"tests": {"tests": 92233720368547758080}}`, found{}},
		"more than all":    {`{"tests": {"tests": 3, "failed": 2, "skipped": 1, "flaky": 1}}`, impossible("of 3, 2 failed, of which 0 are named, 1 were skipped, and 1 are flaky")},
		"more than failed": {`{"tests": {"tests": 3, "failures": [{"name": "a"}]}}`, impossible("of 3, 0 failed, of which 1 are named, 0 were skipped, and 0 are flaky")},
		"names": {
			`{"tests": {"tests": 3, "failed": 3, "failures": [{"class": "only\u202e"}, {"message": "a\n b\u001b"}, {"name": "` + strings.Repeat("é", 200) + `"}]}}`,
			found{Tests: &v1alpha1.TestSummary{Total: 3, Failed: 3, Failures: []v1alpha1.FailedTest{
				{Name: `only\u202e`}, {Name: "a test without a name", Message: `a b\x1b`}, {Name: strings.Repeat("é", 125) + "…"},
			}}},
		},
		"warnings": {
			`{"warnings": ["a\nb", " ", "` + strings.Repeat("x", 300) + `",` + failures(12, `"%d"`) + `]}`,
			found{Warnings: []string{"a b", strings.Repeat("x", 253) + "…", "0", "1", "2", "3", "4", "5", "6", "7"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, findings(*keeping(1, ended(1, 9, tt.message)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An earlier attempt's tests say nothing of the last one.
func TestFindingsOfTheNewestPod(t *testing.T) {
	t.Parallel()
	said := ended(0, 9, `{"tests": {"tests": 3}}`)
	first, last := keeping(1, said), keeping(0, corev1.ContainerState{}, evicted(9))
	first.CreationTimestamp, last.CreationTimestamp = second(1), second(2)
	other := keeping(0, said, renamed)
	for name, pods := range map[string][]corev1.Pod{"none": nil, "a newer one that has said nothing": {*last, *first}, "of another sidecar": {*other}} {
		if diff := cmp.Diff(found{}, findings(pods...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	last.Status.InitContainerStatuses[0].State = said
	if diff := cmp.Diff(found{Tests: &v1alpha1.TestSummary{Total: 3}}, findings(*last, *first)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever a pipeline has the container say, it is bounded, fit for eyes and possible, and
// the kubelet's limit isn't relied on.
func FuzzFindings(f *testing.F) {
	for _, seed := range []string{
		`{"error": "keeping artifact dist failed: no", "tests": {"tests": 9, "failed": 2, "failures": [{"class": "web", "name": "TestA", "message": "got 1"}]}, "warnings": ["a"]}`,
		`{"tests": {"tests": 10, "failed": 10, "failures": [` + failures(10, `{"name": "\u202e\u202e\u202e%d", "message": "`+strings.Repeat(`\u202e`, 30)+`"}`) + `]}}`,
		`{"tests": {"tests": 10, "failed": 10, "failures": [` + failures(10, `{"name": "`+strings.Repeat("\u202e", 100)+`%d"}`) + `]}}`,
		`{"tests": {"tests": -1}, "warnings": ["` + strings.Repeat("\x1b", 4000) + `"]}`, `{`, "\xff", `{"Tests": {"TESTS": 1e3}}`,
	} {
		f.Add(seed, int32(1))
	}
	f.Fuzz(func(t *testing.T, message string, code int32) {
		pod := keeping(1, ended(code, 9, message))
		why, _ := evidence.Unkept(pod)
		if (why == "") != (code == 0) || utf8.RuneCountInString(why) > evidence.MaxMessage || why != printable.Text(why) {
			t.Errorf("code %d: unkept is %q", code, why)
		}
		got := findings(*pod)
		data, err := json.Marshal(got)
		if err != nil || !utf8.Valid(data) || len(got.Warnings) > 10 {
			t.Errorf("%s: %v", data, err)
		}
		text := evidence.FindingBytes(nil, got.Warnings)
		if text > 10*256 || evidence.FindingBytes(got.Tests, nil) > tests.MaxSummary {
			t.Errorf("%d bytes of warnings, %d of tests", text, evidence.FindingBytes(got.Tests, nil))
		}
		if got.Tests != nil {
			checkTests(t, got.Tests)
		}
	})
}

func checkTests(t *testing.T, s *v1alpha1.TestSummary) {
	t.Helper()
	if min(s.Total, s.Failed, s.Skipped, s.Flaky, s.Unread) < 0 || s.Failed > s.Total || len(s.Failures) > min(int(s.Failed), 10) {
		t.Errorf("%+v", s)
	}
	for _, failure := range s.Failures {
		if all := failure.Class + failure.Name + failure.Message; failure.Name == "" || all != printable.Text(all) {
			t.Errorf("%+v", failure)
		}
	}
}
