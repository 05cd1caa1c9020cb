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
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* Helm reads a number as a float, and would write a large one as 1e+08. */}}
{{- define "kayci.quantity" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "kayci.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "kayci.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
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
