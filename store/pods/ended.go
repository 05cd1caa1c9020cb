package pods

import (
	"encoding/json"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Ended says how the pod's containers have, but for its sidecars.
type Ended struct {
	// All says that each has ended, and Succeeded that each has with 0.
	All       bool `json:"all"`
	Succeeded bool `json:"succeeded"`
}

func (s *server) ended(w http.ResponseWriter, r *http.Request, who *Identity) error {
	var pod corev1.Pod
	if err := s.Reader.Get(r.Context(), client.ObjectKey{Namespace: who.Run.Namespace, Name: who.Pod}, &pod); err != nil {
		return fmt.Errorf("get pod %s: %w", who.Pod, err)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(endedOf(&pod))
}

func endedOf(pod *corev1.Pod) Ended {
	e := Ended{All: true, Succeeded: true}
	for _, c := range pod.Spec.Containers {
		var ended *corev1.ContainerStateTerminated
		for i := range pod.Status.ContainerStatuses {
			if status := &pod.Status.ContainerStatuses[i]; status.Name == c.Name {
				ended = status.State.Terminated
			}
		}
		e.All = e.All && ended != nil
		e.Succeeded = e.Succeeded && ended != nil && ended.ExitCode == 0
	}
	return e
}
