{{- define "metacontroller.selector" -}}
app.kubernetes.io/name: metacontroller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "metacontroller.labels" -}}
{{ include "metacontroller.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: substratus
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "metacontroller.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag }}{{ end }}
{{- end }}
{{- end }}
