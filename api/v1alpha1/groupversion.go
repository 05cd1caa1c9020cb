package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of every KayCI kind.
const Group = "kayci.dev"

// Kinds, as they stand in an object's `kind` field.
const (
	ConfigRepoKind = "ConfigRepo"
	PipelineKind   = "Pipeline"
	TriggerKind    = "Trigger"
	RunKind        = "Run"
)

// GroupVersion returns the group and version of this package's kinds.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: Group, Version: "v1alpha1"}
}

// AddToScheme registers this package's kinds. It never fails; the error is
// there to fit the signature that scheme builders expect.
func AddToScheme(scheme *runtime.Scheme) error {
	gv := GroupVersion()
	scheme.AddKnownTypes(gv,
		&ConfigRepo{}, &ConfigRepoList{},
		&Pipeline{}, &PipelineList{},
		&Trigger{}, &TriggerList{},
		&Run{}, &RunList{},
	)
	metav1.AddToGroupVersion(scheme, gv)
	return nil
}
