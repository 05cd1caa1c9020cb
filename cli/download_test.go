package cli

import (
	"testing"

	"github.com/kayci/kayci/runs/logs"
)

// TestLogName: no two logs of a Run are saved under one name.
func TestLogName(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]logs.Container{
		"logs/test-2/main.log":     {Job: "test", Attempt: 2, Name: "main"},
		"logs/test.1-1/main.log":   {Job: "test", Index: "1", Attempt: 1, Name: "main"},
		"logs/test-1-1/main.log":   {Job: "test-1", Attempt: 1, Name: "main"},
		"logs/test-1.0-1/main.log": {Job: "test-1", Index: "0", Attempt: 1, Name: "main"},
	} {
		if got := logName(&c); got != want {
			t.Errorf("%+v is saved as %s, want %s", c, got, want)
		}
	}
}
