{{/* Misskey's database, which rules of the inbox may ask (gateway.inbox.database): where it is, and what is wrong with the
     values. It is on where a Secret with its URL is named. */}}

{{/* As JSON: address, peers. What is not said comes from a managed Misskey. */}}
{{- define "sekisho.inboxDatabase" -}}
{{- $given := .Values.gateway.inbox.database -}}
{{- $database := dict "address" $given.address "peers" $given.networkPolicyPeers -}}
{{- $managed := .Values.misskey.managed.database -}}
{{- if and (eq .Values.misskey.mode "managed") (not $given.address) $managed.host -}}
{{- $host := ternary (printf "[%s]" $managed.host) $managed.host (contains ":" $managed.host) -}}
{{- $_ := set $database "address" (printf "%s:%d" $host (int $managed.port)) -}}
{{- if not $database.peers }}{{ $_ := set $database "peers" $managed.networkPolicyPeers }}{{ end -}}
{{- end -}}
{{- toJson $database -}}
{{- end -}}

{{/* Egress rule to it; empty without. */}}
{{- define "sekisho.toInboxDatabase" -}}
{{- if .Values.gateway.inbox.database.existingSecret -}}
{{- $database := include "sekisho.inboxDatabase" . | fromJson -}}
{{- include "sekisho.toHost" (dict "text" $database.address "port" 5432 "peers" $database.peers "value" "gateway.inbox.database.address") -}}
{{- end -}}
{{- end -}}

{{- define "sekisho.validate.inboxDatabase" -}}
{{- $given := .Values.gateway.inbox.database -}}
{{- $database := include "sekisho.inboxDatabase" . | fromJson -}}
{{- if not $given.existingSecret }}
{{- if or $given.address $given.networkPolicyPeers }}
gateway.inbox.database says where Misskey's database is, and existingSecret is not set, so no rule can ask it: make a Secret with the key database-url (docs/kubernetes-misskey.md) and write its name, or remove the rest
{{- end }}
{{- else if and $database.address (not (include "sekisho.isHostPort" $database.address)) }}
gateway.inbox.database.address is {{ $database.address | quote }}: write host:port, for example 10.0.0.5:5432 or postgres.databases.svc:5432
{{- else if and .Values.networkPolicy.enabled (not $database.address) }}
gateway.inbox.database.address is not set, so the NetworkPolicy does not know the port: write host:port of Misskey's PostgreSQL, for example 10.0.0.5:5432
{{- else }}
{{- include "sekisho.validate.peer" (dict "root" $ "name" "gateway.inbox.database.address" "host" (include "sekisho.hostOf" $database.address) "peers" $database.peers "peersName" "gateway.inbox.database.networkPolicyPeers") }}
{{- end }}
{{- end -}}
