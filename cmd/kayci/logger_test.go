package main

import (
	"io"
	"testing"

	"github.com/go-logr/logr/funcr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// A program without a logger prints a stack trace of controller-runtime once it
// has run for 30 seconds.
func TestCommandsHaveALogger(t *testing.T) {
	root := newRootCommand()
	root.SetArgs([]string{"render", "--output=nonsense"})
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(t.Context()); err == nil {
		t.Error("the output format is accepted")
	}
	// The first logger that is set stays.
	ctrl.SetLogger(funcr.New(func(_, text string) { t.Errorf("no logger was set: %s", text) }, funcr.Options{}))
	ctrl.Log.Info("canary")
}
