{{/* Rules of a managed Misskey, for sekisho.validate: one line for each problem. */}}
{{- define "sekisho.validate.managed" -}}
{{- if eq .Values.misskey.mode "managed" }}
{{- $managed := .Values.misskey.managed -}}
{{- range $part := list "database" "redis" }}
{{- $given := index $managed $part }}
{{- if not $given.host }}
misskey.managed.{{ $part }}.host is not set: the chart runs no {{ ternary "PostgreSQL" "Redis for Misskey" (eq $part "database") }}, write the host of yours
{{- else }}
{{- include "sekisho.validate.peer" (dict "root" $ "name" (printf "misskey.managed.%s.host" $part) "host" $given.host "peers" $given.networkPolicyPeers "peersName" (printf "misskey.managed.%s.networkPolicyPeers" $part)) }}
{{- end }}
{{- end }}
{{- if not $managed.database.existingSecret }}
misskey.managed.database.existingSecret is not set: make a Secret with the keys {{ $managed.database.userKey }} and {{ $managed.database.passwordKey }} and write its name
{{- end }}
{{- if .Values.misskey.url }}
misskey.url is for misskey.mode: external; in managed mode the chart knows the address: remove it
{{- end }}
{{- $drive := $managed.drive -}}
{{- if and (eq $drive.kind "pvc") (not $drive.existingClaim) (ne $drive.accessMode "ReadWriteMany") (or (gt (int $managed.web.replicas) 1) (gt (int $managed.queue.replicas) 1)) }}
misskey.managed.drive.accessMode is {{ $drive.accessMode }}, but web and queue have more than one replica, which may run on different nodes: write ReadWriteMany (with a storageClass that knows it), use drive.kind: objectStorage, or one replica each
{{- end }}
{{- if and $drive.existingClaim (ne $drive.kind "pvc") }}
misskey.managed.drive.existingClaim is set but drive.kind is {{ $drive.kind }}: write drive.kind: pvc, or remove existingClaim
{{- end }}
{{- range $managed.secretConfig }}
{{- if not (regexMatch "^[A-Za-z][A-Za-z0-9_]*(\\.[A-Za-z][A-Za-z0-9_]*)*$" .path) }}
misskey.managed.secretConfig holds the path {{ .path | quote }}: write a dotted name of a setting, for example meilisearch.apiKey
{{- end }}
{{- end }}
{{- range $key := list "pass" "password" "apiKey" "setupPassword" "secret" "token" }}
{{- range $name, $value := $managed.config }}
{{- if or (eq $name $key) (and (kindIs "map" $value) (hasKey $value $key)) }}
misskey.managed.config holds a secret ({{ $name }}{{ if ne $name $key }}.{{ $key }}{{ end }}), and it ends up in a ConfigMap: put it into a Secret and name that in misskey.managed.secretConfig
{{- end }}
{{- end }}
{{- end }}
{{- with $managed.proxy }}
{{- if not (regexMatch "^https?://[^/@\\s]+/?$" .) }}
misskey.managed.proxy is {{ . | quote }}: write scheme, host and port, for example http://egress-proxy:3128
{{- else }}
{{- include "sekisho.validate.peer" (dict "root" $ "name" "misskey.managed.proxy" "host" (include "sekisho.hostOf" .) "peers" $managed.proxyNetworkPolicyPeers "peersName" "misskey.managed.proxyNetworkPolicyPeers") }}
{{- end }}
{{- end }}
{{- if and $managed.clustering (not (dig "clusterLimit" "" $managed.config)) }}
misskey.managed.clustering is true but config.clusterLimit is not set, so there would be one worker beside an idle process: write misskey.managed.config: { clusterLimit: 2 }, or clustering: false and more replicas
{{- end }}
{{- end }}
{{- end -}}
