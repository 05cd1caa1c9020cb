{{- define "kayci.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for a suffix of up to 12 characters. */}}
{{- define "kayci.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 51 | trimSuffix "-" }}
{{- else if contains (include "kayci.name" .) .Release.Name }}
{{- .Release.Name | trunc 51 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kayci.name" .) | trunc 51 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Cluster-wide names, and those in namespaces that other releases may serve too. */}}
{{- define "kayci.clusterName" -}}
{{ .Release.Namespace }}:{{ include "kayci.fullname" . }}
{{- end }}

{{/* Cluster-wide too, of a kind whose names have no colon. */}}
{{- define "kayci.admissionName" -}}
{{ include "kayci.fullname" . }}.{{ .Release.Namespace }}
{{- end }}

{{- define "kayci.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "kayci.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: kayci
{{- end }}

{{- define "kayci.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kayci.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "kayci.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kayci.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "kayci.image" -}}
{{- with .Values.image }}
{{- $repository := include "kayci.repository" (dict "registry" ($.Values.global.imageRegistry | default .registry) "repository" .repository) }}
{{- if .digest }}{{ $repository }}@{{ .digest }}{{ else }}{{ $repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* A repository at a registry, if there is one, instead of its own: as for Docker, its
     first part is a registry if it has a dot or a port, or is localhost. */}}
{{- define "kayci.repository" -}}
{{- if .registry }}
{{- $parts := splitList "/" .repository }}
{{- $first := first $parts }}
{{- $own := and (rest $parts) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- printf "%s/%s" (trimSuffix "/" .registry) (ternary (rest $parts) $parts (not (not $own)) | join "/") }}
{{- else }}
{{- .repository }}
{{- end }}
{{- end }}

{{/* Whose certificate the admission webhook has: the controller's own, unless it is
     the Secret of this name. */}}
{{- define "kayci.admissionCertificate" -}}
{{- with .Values.admission.certificate }}
{{- if .certManager.enabled }}{{ default (printf "%s-admission-tls" (include "kayci.fullname" $)) .secretName }}{{ else }}{{ .secretName }}{{ end }}
{{- end }}
{{- end }}

{{/* The ConfigMap with the defaults for jobs. Blank: there are none. */}}
{{- define "kayci.jobDefaults" -}}
{{- with .Values.jobDefaults }}
{{- if and .template .configMap }}
{{- fail "jobDefaults: set template or configMap, not both" }}
{{- end }}
{{- if .template }}{{ include "kayci.fullname" $ }}-job-defaults{{ else }}{{ .configMap }}{{ end }}
{{- end }}
{{- end }}

{{/* Helm reads a number as a float, and would write a large one as 1e+08. */}}
{{- define "kayci.quantity" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "kayci.podSecurityContext" -}}
{{- toYaml (.Values.podSecurityContext | default dict) }}
{{- end }}

{{- define "kayci.securityContext" -}}
{{- toYaml (.Values.securityContext | default dict) }}
{{- end }}

{{/* The parts of a pod's spec that say where it may run and how its image is pulled. */}}
{{- define "kayci.scheduling" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Rights on the namespaces that KayCI serves: a ClusterRole with its binding, or
     a Role with its binding in each of watchNamespaces. Takes root, name,
     serviceAccount, rules, and labels and annotations as YAML. */}}
{{- define "kayci.grant" -}}
{{- $ := .root }}
{{- $grant := . }}
{{- range $namespace := $.Values.watchNamespaces | default (list "") }}
{{- $kind := ternary "Role" "ClusterRole" (ne $namespace "") }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- include "kayci.grantMetadata" (dict "grant" $grant "namespace" $namespace) | nindent 2 }}
rules:
  {{- $grant.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- include "kayci.grantMetadata" (dict "grant" $grant "namespace" $namespace) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $grant.name }}
subjects:
- kind: ServiceAccount
  name: {{ $grant.serviceAccount }}
  namespace: {{ $.Release.Namespace }}
{{- end }}
{{- end }}

{{- define "kayci.grantMetadata" -}}
name: {{ .grant.name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "kayci.labels" .grant.root | nindent 2 }}
{{- with .grant.annotations }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a NetworkPolicy lets pods connect to, if it restricts that: DNS, and the ports and
     peers that are given. */}}
{{- define "kayci.egress" -}}
{{- if .restrict -}}
egress:
- ports:
  - port: 53
    protocol: UDP
  - port: 53
    protocol: TCP
- ports:
  {{- range .ports }}
  - port: {{ . }}
  {{- end }}
  {{- with .to }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "kayci.webMetadata" -}}
name: {{ include "kayci.fullname" . }}-web
namespace: {{ .Release.Namespace }}
labels:
  {{- include "kayci.labels" . | nindent 2 }}
  app.kubernetes.io/component: web
{{- end }}

{{- define "kayci.webSelector" -}}
app.kubernetes.io/name: {{ include "kayci.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: web
{{- end }}

{{/* The Secrets that the page's pods mount, and the names of their folders. */}}
{{- define "kayci.webSecrets" -}}
{{- $name := printf "%s-web" (include "kayci.fullname" .) }}
{{- with .Values.web }}
{{- if or .sessions.enabled .oidc.issuer }}
- name: sessions
  secret: {{ default (printf "%s-sessions" $name) .sessions.secretName }}
{{- end }}
{{- if .oidc.issuer }}
{{- with .oidc.clientSecretName }}
- name: oidc
  secret: {{ . }}
{{- end }}
{{- with .oidc.caSecretName }}
- name: oidc-ca
  secret: {{ . }}
{{- end }}
{{- end }}
{{- if .anonymous.serviceAccountName }}
- name: anonymous
  secret: {{ $name }}-anonymous
{{- end }}
{{- if .tlsSecretName }}
- name: tls
  secret: {{ .tlsSecretName }}
{{- end }}
{{- end }}
{{- end }}

{{/* Refuses values of the page that nobody could look by, and those that would do nothing
     beside the others. */}}
{{- define "kayci.webChecks" -}}
{{- with .Values.web }}
{{- $signIn := or .sessions.enabled .oidc.issuer }}
{{- if not (or $signIn .trustForwardedToken .anonymous.serviceAccountName) }}
{{- fail "web: nobody could look: set sessions.enabled, oidc.issuer, trustForwardedToken or anonymous.serviceAccountName" }}
{{- end }}
{{- if and (or .from .egress.restrict) (not $.Values.networkPolicy.enabled) }}
{{- fail "web: from and egress are for its NetworkPolicy: set networkPolicy.enabled" }}
{{- end }}
{{- if and .sessions.secretName (not $signIn) }}
{{- fail "web: sessions.secretName is for viewers who sign in: set sessions.enabled or oidc.issuer" }}
{{- end }}
{{- if and .oidc.issuer (not .externalURL) }}
{{- fail "web: set externalURL: oidc.issuer sends viewers back to it" }}
{{- end }}
{{- $user := or (ne .oidc.usernameClaim "sub") .oidc.usernamePrefix }}
{{- $groups := or (ne .oidc.groupsClaim "groups") .oidc.groupsPrefix }}
{{- if not .oidc.issuer }}
{{- if or .externalURL .oidc.clientID .oidc.clientSecretName .oidc.caSecretName .oidc.impersonate .oidc.groups $user $groups (ne (join "," .oidc.scopes) "openid,email,profile") }}
{{- fail "web: externalURL and oidc are for signing in by a provider: set oidc.issuer" }}
{{- end }}
{{- end }}
{{- if and (not .oidc.impersonate) (or .oidc.groups $user $groups) }}
{{- fail "web.oidc: usernameClaim, usernamePrefix, groupsClaim, groupsPrefix and groups are for impersonate: else the API server says what user a token is of, and which groups count" }}
{{- end }}
{{- if and $groups (not .oidc.groups) }}
{{- fail "web.oidc: groupsClaim and groupsPrefix are for groups that count: list them in groups" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "kayci.storeMetadata" -}}
name: {{ include "kayci.fullname" . }}-store
namespace: {{ .Release.Namespace }}
labels:
  {{- include "kayci.labels" . | nindent 2 }}
  app.kubernetes.io/component: store
{{- end }}

{{- define "kayci.announcementMetadata" -}}
name: kayci
namespace: kube-public
labels:
  {{- include "kayci.labels" . | nindent 2 }}
  app.kubernetes.io/component: store
{{- end }}

{{- define "kayci.storeSelector" -}}
app.kubernetes.io/name: {{ include "kayci.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: store
{{- end }}
