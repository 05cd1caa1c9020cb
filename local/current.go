package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kayci/kayci/local/debian"
)

// loadCurrent hands images to the cluster of the current kubeconfig, if that is
// one of kind's. How any other gets its images is not for this program to know.
func (s *settings) loadCurrent(ctx context.Context, tars []string) error {
	cluster, ok := s.kindCluster(ctx)
	if !ok {
		s.out.Say("KAYCI_CLUSTER=current: that cluster must be able to pull these images, or have them already: %s", strings.Join(tars, " "))
		return nil
	}
	for _, tar := range tars {
		err := s.out.Step("loading "+tar+" into the kind cluster "+cluster, func(func(string)) error {
			out, err := exec.CommandContext(ctx, "kind", "load", "image-archive", "--name", cluster, tar).CombinedOutput()
			if err != nil {
				return fmt.Errorf("kind load: %w: %s", err, bytes.TrimSpace(out))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// kindCluster returns the name of kind's cluster that the current context means.
func (s *settings) kindCluster(ctx context.Context) (string, bool) {
	if _, err := debian.Find("kind"); err != nil {
		return "", false
	}
	kubectl := filepath.Join(s.cache.Bin(), "kubectl")
	if !debian.There(kubectl) {
		kubectl = "kubectl"
	}
	out, err := exec.CommandContext(ctx, kubectl, "config", "current-context").Output()
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(strings.TrimSpace(string(out)), "kind-")
}
