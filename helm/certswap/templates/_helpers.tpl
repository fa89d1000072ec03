{{- define "certswap.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* A StatefulSet adds an ordinal and a revision to it: at most 52 characters. */}}
{{- define "certswap.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "certswap.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "certswap.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "certswap.selector" -}}
app.kubernetes.io/name: {{ include "certswap.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "certswap.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "certswap.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "certswap.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "certswap.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "certswap.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The restricted profile of the Pod Security Standards. The user is that of the image. */}}
{{- define "certswap.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "certswap.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "certswap.httpPort" -}}9464{{- end -}}

{{- define "certswap.stopDeadline" -}}
{{- index .Values.settings "CERTSWAP_STOP_DEADLINE_S" | default 25 | int -}}
{{- end -}}

{{/* "true", or nothing where plain credentials are taken too. */}}
{{- define "certswap.requireSealed" -}}
{{- if ne (get .Values.settings "CERTSWAP_REQUIRE_SEALED" | toString) "false" -}}true{{- end -}}
{{- end -}}

{{/* Settings as strings, whatever YAML made of them: numbers must not come out as 1e+06. */}}
{{- define "certswap.settings" -}}
{{- range $name, $value := . }}
{{ $name }}: {{ if kindIs "float64" $value }}{{ $value | int64 | toString | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end -}}

{{- define "certswap.secretEnv" -}}
{{- range $name, $from := . }}
- name: {{ $name }}_FILE
  value: /etc/certswap/secrets/{{ $name }}
{{- end }}
{{- end -}}

{{/* All secrets as one folder: a projected volume, whose files change together when a Secret does. */}}
{{- define "certswap.secretVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
    {{- range $name, $from := . }}
      - secret:
          name: {{ $from.secretName }}
          items: [{key: {{ $from.key | quote }}, path: {{ $name }}}]
    {{- end }}
{{- end -}}

{{- define "certswap.fileVolumes" -}}
{{- range . }}
- name: file-{{ .name }}
  {{- if .secretName }}
  secret: {secretName: {{ .secretName }}, defaultMode: 0440}
  {{- else }}
  configMap: {name: {{ .configMapName }}}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "certswap.fileMounts" -}}
{{- range . }}
- {name: file-{{ .name }}, mountPath: /etc/certswap/files/{{ .name }}, readOnly: true}
{{- end }}
{{- end -}}

{{/* What the schema cannot say, said before anything is installed. */}}
{{- define "certswap.check" -}}
{{- if not (index .Values.settings "CERTSWAP_KAFKA_BOOTSTRAP_SERVERS") -}}
{{- fail "settings.CERTSWAP_KAFKA_BOOTSTRAP_SERVERS is needed: the brokers, as host:port,host:port" -}}
{{- end -}}
{{- if not (index .Values.secrets "CERTSWAP_STAGING_KEYS") -}}
{{- fail "secrets.CERTSWAP_STAGING_KEYS is needed: a Secret's name and key, with lines <kid>:<base64 of 32 bytes>" -}}
{{- end -}}
{{- if and (include "certswap.requireSealed" .) (not .Values.sealing.secretName) -}}
{{- fail "sealing.secretName is needed: a Secret with the key pairs that producers seal to (or settings.CERTSWAP_REQUIRE_SEALED: \"false\", for development)" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}
{{- end -}}
{{- range $name, $from := .Values.secrets -}}
{{- if hasKey $.Values.settings $name -}}
{{- fail (printf "%s stands in settings and in secrets: keep the one in secrets" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
