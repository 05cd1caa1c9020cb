package names_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kayci/kayci/api/names"
)

func TestHashed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("r", 100)
	for _, tc := range []struct {
		name string
		most int
		of   []string
		want string
	}{
		{"web", 63, nil, "web-"},
		{"web", 63, []string{"1"}, "web-"},
		{"web", 63, []string{"1", ""}, "web-"},
		{"web", 63, []string{"", "1"}, "web-"},
		{"web", 63, []string{"1", "2"}, "web-"},
		{"web", 63, []string{"12"}, "web-"},
		{"web", 63, []string{"11:2"}, "web-"},
		{"we", 63, []string{"b1"}, "we-"},
		{long[:52], 63, nil, long[:52] + "-"},
		{long[:53], 63, nil, long[:52] + "-"},
		{long, 63, nil, long[:52] + "-"},
		{long, 52, nil, long[:41] + "-"},
		{long[:50] + "--x", 63, nil, long[:50] + "-"},
		{long[:51] + ".x", 63, nil, long[:51] + "-"},
	} {
		got := names.Hashed(tc.name, tc.most, tc.of...)
		if !strings.HasPrefix(got, tc.want) || len(got) != len(tc.want)+10 {
			t.Errorf("Hashed(%q, %d, %q) = %q, want %q and ten characters", tc.name, tc.most, tc.of, got, tc.want)
		}
		if errs := validation.IsDNS1123Label(got); len(errs) > 0 {
			t.Errorf("%q is no DNS label: %v", got, errs)
		}
		if again := names.Hashed(tc.name, tc.most, tc.of...); again != got {
			t.Errorf("%q becomes %q the second time", got, again)
		}
	}
}

func TestJoined(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("r", 63)
	for _, tc := range []struct {
		first, second, want string
	}{
		{"web-1", "test", "web-1-test"},
		{long[:25], long[:26], long[:25] + "-" + long[:26]},
		{long[:26], long[:26], ""},
		{long[:25], long[:27], ""},
		{long, "test", ""},
		{long[:40], "x-" + long, ""},
		{long[:40] + "-x", long, ""},
	} {
		got := names.Joined(tc.first, tc.second, 52)
		if tc.want != "" && got != tc.want {
			t.Errorf("Joined(%q, %q) = %q, want %q", tc.first, tc.second, got, tc.want)
		}
		if errs := validation.IsDNS1123Label(got); len(errs) > 0 || len(got) > 52 {
			t.Errorf("Joined(%q, %q) = %q: %v", tc.first, tc.second, got, errs)
		}
	}
}

// TestNamesDiffer: what is derived differs with each part, and with where a part
// ends.
func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("r", 63)
	of := [][]string{nil, {""}, {"", ""}, {"1"}, {"1", ""}, {"", "1"}, {"1", "2"}, {"12"}, {"11:2"}, {"1", "1", "2"}, {"1\x002"}}
	seen := map[string]bool{}
	add := func(name string) {
		if seen[name] {
			t.Errorf("%q stands for two", name)
		}
		seen[name] = true
	}
	for _, texts := range of {
		add(names.Hash(texts...))
		add(names.Hashed("web", 63, texts...))
	}
	add(names.Hashed(long, 63))
	add(names.Hashed(long[:53], 63))
	add(names.Joined(long, "test-a", 52))
	add(names.Joined(long+"-test", "a", 52))
	add(names.Joined(long, "build", 52))
}

// TestNamesStay: a name that another version derives otherwise makes a second
// object of what was there.
func TestNamesStay(t *testing.T) {
	t.Parallel()
	if got, want := names.Hashed("web-push", 63, "delivery-1"), "web-push-r2sut3kt4e"; got != want {
		t.Errorf("the name is %s, want %s", got, want)
	}
	if got, want := names.Hash("a", "b"), "vb6tsulv3qm5mc0ieelisa1ff6tb040f"; got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
}
