package pipeline

import "sigs.k8s.io/controller-runtime/pkg/handler"

// RunNews is the handler of the watch that tells of Runs.
func (r *Reconciler) RunNews() handler.EventHandler { return r.runNews() }
