package v1alpha1

import (
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Service is a pod that lives as long as its Run, behind a Service of its own: a
// database or a registry that jobs use. It is started before the first job, and
// the jobs start when all services are ready. One that ends before its Run fails
// the Run: what it held is lost, so it isn't started again.
type Service struct {
	// Name is a DNS label that begins with a letter, and differs from the names of
	// jobs. Containers find the service at KAYCI_SERVICE_<NAME>, in capitals and with
	// underscores for dashes.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Ports that the pod listens on. The first one is the port of
	// KAYCI_SERVICE_<NAME>, which is `host:port`; one with a name is also at
	// KAYCI_SERVICE_<NAME>_<PORT NAME>.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Ports []ServicePort `json:"ports"`

	// Template of the service's Job, with the same fields as the template of a job.
	// The pod counts as ready when its readiness probes say so; a container without
	// one is ready when it runs. It is one pod that is never retried: completions,
	// parallelism and what says how often it is tried are refused.
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || (!has(self.metadata.name) && !has(self.metadata.namespace))",message="name and namespace are KayCI's to set: remove them from the template's metadata"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.ttlSecondsAfterFinished) && !has(self.spec.suspend) && !has(self.spec.selector) && !has(self.spec.manualSelector)",message="ttlSecondsAfterFinished, suspend and selector are refused: KayCI starts and stops the service, and Kubernetes selects its pod"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.template.spec.restartPolicy) || self.spec.template.spec.restartPolicy == 'Never'",message="restartPolicy must be Never: a service that ends has lost what it held"
	Template batchv1.JobTemplateSpec `json:"template"`
}

// ServicePort is a TCP port of a service.
type ServicePort struct {
	// Name: lower-case letters, digits and dashes, at most 15, with a letter. It may
	// be left out.
	// +optional
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// Port number.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
}

// NameOrDefault is the port's name in the Service object, where each needs one.
func (p *ServicePort) NameOrDefault() string {
	if p.Name != "" {
		return p.Name
	}
	return "port-" + strconv.Itoa(int(p.Port))
}

// Variables returns the environment variables that tell containers of the
// service: one for the service, then one for each port that has a name.
func (s *Service) Variables() []string {
	upper := func(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
	names := []string{EnvServicePrefix + upper(s.Name)}
	for i := range s.Ports {
		if s.Ports[i].Name != "" {
			names = append(names, names[0]+"_"+upper(s.Ports[i].Name))
		}
	}
	return names
}

// ServicePhase is where a service of a Run stands.
// +kubebuilder:validation:Enum=Starting;Ready;Failed;Stopped
type ServicePhase string

// The phases of a service. The last two are final.
const (
	ServiceStarting ServicePhase = "Starting"
	ServiceReady    ServicePhase = "Ready"
	ServiceFailed   ServicePhase = "Failed"
	ServiceStopped  ServicePhase = "Stopped"
)

// Finished reports whether the phase is final.
func (p ServicePhase) Finished() bool {
	return p == ServiceFailed || p == ServiceStopped
}

// ServiceStatus is where one service of the Run stands.
type ServiceStatus struct {
	// Name of the service in the Pipeline.
	Name string `json:"name"`

	// Phase: Starting, Ready, Failed or Stopped. One that has been ready is shown as
	// Ready until it ends. Failed: it ended while the Run needed it. Stopped: the Run
	// has ended, and the pod was told to.
	Phase ServicePhase `json:"phase"`

	// Reason, in one word, for the phase: what keeps the pod from starting, why it
	// ended.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Message is the reason in a sentence.
	// +optional
	Message string `json:"message,omitempty"`

	// WaitingSince is when what the reason says began to keep the service from
	// starting. Without a reason: when its Job was last found to be resumed, or to have
	// made the pod that it couldn't make.
	// +optional
	WaitingSince *metav1.Time `json:"waitingSince,omitempty"`

	// Job is the name of the batch/v1 Job, once it has been created.
	// +optional
	Job string `json:"job,omitempty"`
}
