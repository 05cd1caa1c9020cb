package defaults

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

// partials are what the defaults say of containers.
type partials []corev1.Container

// of returns those for a container, the nearest first.
func (p partials) of(name string) []*corev1.Container {
	var found []*corev1.Container
	for _, name := range []string{name, v1alpha1.EveryContainer} {
		for i := range p {
			if p[i].Name == name {
				found = append(found, &p[i])
			}
		}
	}
	return found
}

// mergeContainer merges the partials under a container of the pod.
func mergeContainer(under []*corev1.Container, author *corev1.Container, pod *corev1.PodSpec) (*corev1.Container, error) {
	merged := author.DeepCopy()
	for _, part := range under {
		base := part.DeepCopy()
		base.Name = merged.Name
		yieldResources(&base.Resources, &merged.Resources)
		if pod.Resources != nil {
			yieldResources(&base.Resources, pod.Resources)
		}
		yieldSecurity(base.SecurityContext, merged.SecurityContext, pod.SecurityContext)
		merged.Env = join(base.Env, merged.Env, func(e *corev1.EnvVar) string { return e.Name })
		merged.VolumeMounts = join(base.VolumeMounts, merged.VolumeMounts, func(m *corev1.VolumeMount) string { return m.MountPath })
		// The last source of a variable wins.
		merged.EnvFrom = append(base.EnvFrom, merged.EnvFrom...)
		base.Env, base.VolumeMounts, base.EnvFrom = nil, nil, nil
		var err error
		if merged, err = merge(base, merged); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// yieldResources takes out what the author says otherwise. A default limit below
// the author's request, or a request above the limit, would be refused.
func yieldResources(base, given *corev1.ResourceRequirements) {
	for _, list := range []corev1.ResourceList{given.Requests, given.Limits} {
		for name := range list {
			delete(base.Requests, name)
			delete(base.Limits, name)
		}
	}
}

// yieldSecurity takes out what can't stand beside what the author says, and what
// he says of the whole pod, since a container's own setting would overrule it.
func yieldSecurity(base, given *corev1.SecurityContext, pod *corev1.PodSecurityContext) {
	if base == nil {
		return
	}
	if isRoot(given, pod) {
		base.RunAsNonRoot = nil
	}
	if given != nil {
		yieldProfiles(&base.SeccompProfile, &base.AppArmorProfile, given.SeccompProfile, given.AppArmorProfile)
		if ptr.Deref(given.Privileged, false) {
			base.AllowPrivilegeEscalation = nil
		}
	}
	if pod == nil {
		return
	}
	yieldProfiles(&base.SeccompProfile, &base.AppArmorProfile, pod.SeccompProfile, pod.AppArmorProfile)
	yield(&base.RunAsUser, pod.RunAsUser)
	yield(&base.RunAsGroup, pod.RunAsGroup)
	yield(&base.RunAsNonRoot, pod.RunAsNonRoot)
	yield(&base.SELinuxOptions, pod.SELinuxOptions)
	yield(&base.WindowsOptions, pod.WindowsOptions)
}

// isRoot reports whether the container is said to run as root.
func isRoot(c *corev1.SecurityContext, pod *corev1.PodSecurityContext) bool {
	switch {
	case c != nil && c.RunAsUser != nil:
		return *c.RunAsUser == 0
	case pod != nil && pod.RunAsUser != nil:
		return *pod.RunAsUser == 0
	default:
		return false
	}
}

// exempt lets a container be root that says so in a pod whose default is that none
// is.
func exempt(c *corev1.Container, base, given *corev1.PodSecurityContext) {
	if base == nil || !ptr.Deref(base.RunAsNonRoot, false) || given != nil && given.RunAsNonRoot != nil {
		return
	}
	if c.SecurityContext != nil && c.SecurityContext.RunAsNonRoot == nil && isRoot(c.SecurityContext, nil) {
		c.SecurityContext.RunAsNonRoot = new(false)
	}
}

// yieldProfiles is for those of which one kind's fields can't stand in another.
func yieldProfiles(seccomp **corev1.SeccompProfile, appArmor **corev1.AppArmorProfile, given *corev1.SeccompProfile, givenArmor *corev1.AppArmorProfile) {
	yield(seccomp, given)
	yield(appArmor, givenArmor)
}

func yield[T any](base **T, given *T) {
	if given != nil {
		*base = nil
	}
}

// yieldPod moves the lists of a pod to what the author says of it, and takes out
// what can't stand beside that.
func yieldPod(base, given *corev1.PodSpec) {
	if given.DeprecatedServiceAccount != "" {
		base.ServiceAccountName = ""
	}
	if base.SecurityContext != nil && given.SecurityContext != nil {
		yieldProfiles(&base.SecurityContext.SeccompProfile, &base.SecurityContext.AppArmorProfile,
			given.SecurityContext.SeccompProfile, given.SecurityContext.AppArmorProfile)
		if isRoot(nil, given.SecurityContext) {
			base.SecurityContext.RunAsNonRoot = nil
		}
	}
	given.Volumes = join(base.Volumes, given.Volumes, func(v *corev1.Volume) string { return v.Name })
	given.ImagePullSecrets = join(base.ImagePullSecrets, given.ImagePullSecrets, func(r *corev1.LocalObjectReference) string { return r.Name })
	given.HostAliases = join(base.HostAliases, given.HostAliases, func(h *corev1.HostAlias) string { return h.IP })
	given.TopologySpreadConstraints = join(base.TopologySpreadConstraints, given.TopologySpreadConstraints,
		func(c *corev1.TopologySpreadConstraint) string { return c.TopologyKey })
	given.ResourceClaims = join(base.ResourceClaims, given.ResourceClaims, func(c *corev1.PodResourceClaim) string { return c.Name })
	given.SchedulingGates = join(base.SchedulingGates, given.SchedulingGates, func(g *corev1.PodSchedulingGate) string { return g.Name })
	given.EvictionResponders = join(base.EvictionResponders, given.EvictionResponders, func(r *corev1.EvictionResponder) string { return r.Name })
	given.Tolerations = append(base.Tolerations, given.Tolerations...)
	base.Volumes, base.ImagePullSecrets, base.HostAliases, base.TopologySpreadConstraints, base.Tolerations = nil, nil, nil, nil, nil
	base.ResourceClaims, base.SchedulingGates, base.EvictionResponders = nil, nil, nil
}
