{{/* The Secrets that the Job makes, as JSON for make-secrets.ts. Those that the user names are none of its business. */}}
{{- define "sekisho.wantedSecrets" -}}
{{- $wanted := list -}}
{{- if .Values.secrets.generate.enabled -}}
{{- if not .Values.secrets.existingSecret -}}
{{- $wanted = append $wanted (dict "kind" "keys" "name" (include "sekisho.keysSecretName" .) "keys" (list "internal-token" "cache-key" "isolation-key")) -}}
{{- end -}}
{{- $verify := .Values.gateway.inbox.verify -}}
{{- if and $verify.enabled (not $verify.existingSecret) -}}
{{- $wanted = append $wanted (dict "kind" "rsa" "name" (include "sekisho.inboxActorSecretName" .) "key" "actor-key") -}}
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

{{/* Metadata of the Job and of all it needs. Arguments: root, weight. */}}
{{- define "sekisho.secretsMetadata" -}}
name: {{ include "sekisho.fullname" .root }}-secrets
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sekisho.labels" (dict "root" .root "component" "secrets") | nindent 2 }}
annotations:
  {{- include "sekisho.beforeRelease" .weight | nindent 2 }}
{{- end -}}
