{{/* The Secrets that the Job makes, as JSON for make-secrets.ts. Those that the user names are none of its business. */}}
{{- define "sekisho.wantedSecrets" -}}
{{- $wanted := list -}}
{{- if .Values.secrets.generate.enabled -}}
{{- if not .Values.secrets.existingSecret -}}
{{- $wanted = append $wanted (dict "kind" "keys" "name" (include "sekisho.keysSecretName" .) "keys" (list "internal-token" "cache-key" "isolation-key")) -}}
{{- end -}}
{{- if .Values.redis.evaluation.enabled -}}
{{- $wanted = append $wanted (dict
  "kind" "redis" "name" (include "sekisho.redisSecretName" (dict "root" . "role" "state"))
  "address" (printf "%s:6379" (include "sekisho.serviceHost" (dict "root" . "component" "redis-state")))
  "urls" (dict "gateway-url" "sekisho-gateway-state")) -}}
{{- $wanted = append $wanted (dict
  "kind" "redis" "name" (include "sekisho.redisSecretName" (dict "root" . "role" "work"))
  "address" (printf "%s:6379" (include "sekisho.serviceHost" (dict "root" . "component" "redis-work")))
  "urls" (dict "gateway-url" "sekisho-gateway-work" "fetcher-url" "sekisho-fetcher" "image-worker-url" "sekisho-worker")) -}}
{{- end -}}
{{- end -}}
{{- toJson $wanted -}}
{{- end -}}

{{- define "sekisho.secretNames" -}}
{{- $names := list -}}
{{- range include "sekisho.wantedSecrets" . | fromJsonArray }}{{ $names = append $names .name }}{{ end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Annotations of the Job and of all it needs. It runs before the objects of the release exist, so it brings its own,
     which go again once it is done. Arguments: weight. */}}
{{- define "sekisho.secretsHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Metadata of the same. Arguments: root, weight. */}}
{{- define "sekisho.secretsMetadata" -}}
name: {{ include "sekisho.fullname" .root }}-secrets
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sekisho.labels" (dict "root" .root "component" "secrets") | nindent 2 }}
annotations:
  {{- include "sekisho.secretsHook" . | nindent 2 }}
{{- end -}}
