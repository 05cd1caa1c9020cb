{{- /* One page: the kinds first, then the types they are made of. Lines of a
doc comment flow together, because the page wraps where the comment did not. */ -}}

{{- define "gvList" -}}
# API reference

Generated from the Go types in `api/` by `make generate`; `kubectl explain` shows the same text.
{{- range . }}

Group and version: `{{ .GroupVersionString }}`
{{ $group := . }}
{{- range .SortedKinds }}
{{- $kind := $group.TypeForKind . }}
- [{{ . }}](#{{ lower . }}): {{ template "flow" $kind.Doc }}
{{- end }}
{{ range .SortedKinds }}
{{- template "type" $group.TypeForKind . }}
{{- end }}
{{- range .SortedTypes }}
{{- if not .GVK }}
{{- template "type" . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "type" -}}
{{- if markdownShouldRenderType . }}
## {{ .Name }}

{{ .Doc }}
{{ if .IsAlias }}
A {{ markdownRenderTypeLink .UnderlyingType }}
{{- range .Validation }}; {{ . }}{{ end }}.
{{ end }}
{{- if .References }}
Used by: {{ range $i, $type := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $type }}{{ end }}.
{{ end }}
{{- if .Members }}
| Field | Description | Default | Limits |
| --- | --- | --- | --- |
{{- range .Members }}
{{- $optional := has "Optional: {}" .Validation }}
| `{{ .Name }}`<br>_{{ markdownRenderType .Type }}_{{ if not (or $optional (eq .Name "metadata" "spec")) }}<br>**required**{{ end }} | {{ template "description" . }} | {{ if .Default }}`{{ .Default }}`{{ end }} | {{ template "limits" .Validation }} |
{{- end }}
{{ end }}
{{- $explained := false }}
{{- range .EnumValues }}{{ if .Doc }}{{ $explained = true }}{{ end }}{{ end }}
{{- if $explained }}
| Value | Meaning |
| --- | --- |
{{- range .EnumValues }}
| `{{ .Name }}` | {{ template "flow" .Doc }} |
{{- end }}
{{ end }}
{{- end }}
{{- end -}}

{{- define "description" -}}
{{- if eq .Name "metadata" }}As of every Kubernetes object.{{ else }}{{ template "flow" .Doc }}{{ end -}}
{{- end -}}

{{- define "flow" -}}
{{ . | trim | replace "<" "&lt;" | replace "|" "\\|" | replace "\n\n" "<br>" | replace "\n" " " }}
{{- end -}}

{{- define "limits" -}}
{{ without . "Optional: {}" "Type: string" | join "<br>" | replace "|" "\\|" }}
{{- end -}}
