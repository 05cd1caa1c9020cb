package web

import (
	"testing"

	"github.com/kayci/kayci/runs/logs"
)

// TestChosen: the log that is shown first is the one that says why.
func TestChosen(t *testing.T) {
	t.Parallel()
	ended := func(name string, code int32, change ...func(*logs.Container)) logs.Container {
		c := logs.Container{Name: name, Pod: "p", State: logs.State{ExitCode: code}}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	init := func(c *logs.Container) { c.Init = true }
	sidecar := func(c *logs.Container) { c.Sidecar = true }
	for name, tt := range map[string]struct {
		of   []logs.Container
		want string
	}{
		"the program":                      {[]logs.Container{ended("checkout", 0, init), ended("main", 0)}, "main"},
		"a step failed":                    {[]logs.Container{ended("checkout", 1, init), ended("main", 0)}, "checkout"},
		"all is kept":                      {[]logs.Container{ended("kayci-keep", 0, sidecar), ended("main", 1)}, "main"},
		"something couldn't be kept":       {[]logs.Container{ended("kayci-keep", 1, sidecar), ended("main", 0)}, "kayci-keep"},
		"the program failed as well":       {[]logs.Container{ended("kayci-keep", 1, sidecar), ended("main", 1)}, "main"},
		"a sidecar that was told to end":   {[]logs.Container{ended("proxy", 143, sidecar), ended("main", 2)}, "main"},
		"a step failed beside the sidecar": {[]logs.Container{ended("kayci-keep", 1, sidecar), ended("checkout", 1, init), ended("main", 0)}, "checkout"},
	} {
		got, err := chosen(logs.Part{Containers: tt.of}, nil)
		if err != nil || got.Name != tt.want {
			t.Errorf("%s: %+v, %v; want %s", name, got, err, tt.want)
		}
	}
}
