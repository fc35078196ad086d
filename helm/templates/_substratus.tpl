{{- define "substratus.labels" -}}
app.kubernetes.io/name: substratus
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "substratus.selector" -}}
app.kubernetes.io/name: substratus
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "substratus.gatewaySelector" -}}
app.kubernetes.io/name: substratus
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "substratus.image" -}}
{{- $ours := .Values.config.images | default dict -}}
{{- with .Values.image -}}
{{ .repository | default (printf "%s/substratus" $ours.prefix) }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $ours.tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Where the certificate comes from: own, certManager or secret. */}}
{{- define "substratus.tls" -}}
{{- if .Values.tls.certManager.enabled }}certManager{{ else if .Values.tls.secretName }}secret{{ else }}own{{ end }}
{{- end }}

{{- define "substratus.tlsSecret" -}}
{{ if eq (include "substratus.tls" .) "secret" }}{{ .Values.tls.secretName }}{{ else }}substratus-tls{{ end }}
{{- end }}

{{- define "substratus.tokenSecret" -}}
{{ .Values.hookToken.secretName | default "substratus-hooks" }}
{{- end }}

{{/* Whether the server takes reports of progress. */}}
{{- define "substratus.progress" -}}
{{- if and .Values.hookToken.enabled (.Values.progress).enabled }}yes{{ end }}
{{- end }}

{{/* The prefix of the admission paths. */}}
{{- define "substratus.admissionBase" -}}
{{- $path := .Values.admissionPath | default dict -}}
/admission{{ with $path.segment }}/{{ . }}{{ end }}
{{- end }}

{{/*
The segments that the server accepts, one per line; empty if there is only the path without a segment.
They are sorted, so that exchanging the two does not change the Secret.
*/}}
{{- define "substratus.admissionSegments" -}}
{{- $path := .Values.admissionPath | default dict -}}
{{- $segments := list ($path.segment | default "plain") ($path.alsoAccepted | default "") | compact | uniq | sortAlpha -}}
{{- if ne (join "" $segments) "plain" }}{{ join "\n" $segments }}{{ end }}
{{- end }}

{{/* The DNS names of the certificate, a JSON list: the Service's, then tls.names. */}}
{{- define "substratus.names" -}}
{{- $service := printf "substratus.%s" .Release.Namespace }}
{{- concat (list (printf "%s.svc" $service) $service (printf "%s.svc.cluster.local" $service)) .Values.tls.names | toJson }}
{{- end }}

{{/*
Random values: read from the cluster if they exist there, otherwise generated, and stored in the values
so that all templates of a rendering use the same ones.
*/}}
{{- define "substratus.made" -}}
{{- if not (hasKey .Values "made") }}
{{- $made := dict }}
{{- if eq (include "substratus.tls" .) "own" }}
{{- $authority := lookup "v1" "Secret" .Release.Namespace "substratus-ca" }}
{{- $leaf := lookup "v1" "Secret" .Release.Namespace "substratus-tls" }}
{{- $ca := dict }}
{{- if $authority }}
{{- $ca = buildCustomCert (index $authority.data "tls.crt") (index $authority.data "tls.key") }}
{{- else }}
{{- $ca = genCA "substratus-ca" 3650 }}
{{- $_ := set $made "newCa" $ca }}
{{- end }}
{{- $_ := set $made "ca" $ca.Cert }}
{{- $signed := false }}
{{- if $leaf }}
{{- $signed = eq (index $leaf.data "ca.crt") ($ca.Cert | b64enc) }}
{{- end }}
{{- if not $signed }}
{{- $ips := list }}
{{- $hosts := list }}
{{- range include "substratus.names" . | fromJsonArray }}
{{- if regexMatch "^[0-9.]+$" . }}{{ $ips = append $ips . }}{{ else }}{{ $hosts = append $hosts . }}{{ end }}
{{- end }}
{{- $_ := set $made "newLeaf" (genSignedCert (first $hosts) $ips $hosts (int .Values.tls.days) $ca) }}
{{- end }}
{{- end }}
{{- if and .Values.hookToken.enabled (not .Values.hookToken.secretName) }}
{{- $secret := lookup "v1" "Secret" .Release.Namespace "substratus-hooks" }}
{{- if $secret }}
{{- $_ := set $made "token" (index $secret.data "token" | b64dec) }}
{{- else }}
{{- $token := randAlphaNum 48 }}
{{- $_ := set $made "token" $token }}
{{- $_ := set $made "newToken" $token }}
{{- end }}
{{- end }}
{{- $_ := set .Values "made" $made }}
{{- end }}
{{- end }}

{{/* The CA for clients, PEM; empty with cert-manager, which injects it. */}}
{{- define "substratus.ca" -}}
{{- include "substratus.made" . }}
{{- $how := include "substratus.tls" . }}
{{- if eq $how "own" }}{{ .Values.made.ca }}{{ else if eq $how "secret" }}{{ .Values.tls.ca }}{{ end }}
{{- end }}

{{/* The CA as the API server expects it. */}}
{{- define "substratus.caBundle" -}}
{{- with include "substratus.ca" . }}{{ . | b64enc }}{{ end }}
{{- end }}

{{/* The CA as Metacontroller expects it; that of cert-manager is read from the Secret. */}}
{{- define "substratus.hooksCa" -}}
{{- $ca := include "substratus.ca" . -}}
{{- if $ca -}}
caBundle:
  inline: {{ $ca | toJson }}
{{- else if eq (include "substratus.tls" .) "certManager" -}}
caBundle:
  secretRef:
    namespace: {{ .Release.Namespace | toJson }}
    name: {{ include "substratus.tlsSecret" . }}
    key: ca.crt
{{- end }}
{{- end }}

{{- define "substratus.hooksUrl" -}}
{{- .Values.metacontroller.url | default (printf "https://substratus.%s.svc:443" .Release.Namespace) -}}
{{- end }}

{{/* A changed revision makes Metacontroller read CA and token again, and reconnect. */}}
{{- define "substratus.revision" -}}
{{- include "substratus.made" . -}}
{{- $token := .Values.made.token | default "" -}}
{{- if .Values.hookToken.secretName -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace .Values.hookToken.secretName -}}
{{- if $secret }}{{ $token = index $secret.data "token" }}{{ end -}}
{{- end -}}
{{- list .Chart.Version (include "substratus.ca" .) $token | join "\n" | sha256sum | trunc 12 -}}
{{- end }}

{{- define "substratus.deviceClaims" -}}
{{- if eq .Values.metacontroller.deviceClaims "Enabled" }}yes
{{- else if eq .Values.metacontroller.deviceClaims "Auto" }}
{{- if .Capabilities.APIVersions.Has "resource.k8s.io/v1" }}yes{{ end }}
{{- end }}
{{- end }}

{{- /* The plurals of the kinds, as a list of YAML: a new kind needs no line here. */}}
{{- define "substratus.kinds" -}}
{{- $plurals := list }}
{{- range $path, $_ := .Files.Glob "files/crds/*.yaml" }}
{{- $plurals = append $plurals (base $path | trimSuffix ".yaml") }}
{{- end }}
{{- join ", " $plurals }}
{{- end }}
