// Package v1alpha1 is the first version of KayCI's API: ConfigRepo, Pipeline,
// Trigger and Run. It holds types and names alone; what makes an object valid
// beyond its schema is in api/validation, so that every caller says the same.
//
// +kubebuilder:object:generate=true
// +groupName=kayci.dev
package v1alpha1
