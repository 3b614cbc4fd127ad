{{/* Misskey's configuration, in two halves: settings, which may stand in a ConfigMap, and the places of the secrets, which
     only the init container reads (files/jobs/misskey-config.ts). */}}

{{- define "sekisho.misskeySettings" -}}
{{- $managed := .Values.misskey.managed -}}
{{- $public := include "sekisho.publicUrl" . -}}
{{- $redis := dict "host" $managed.redis.host "port" (int $managed.redis.port) "db" (int $managed.redis.db) -}}
{{- with $managed.redis.prefix }}{{ $_ := set $redis "prefix" . }}{{ end -}}
{{- /* A different path than /proxy: only then Misskey sends remote files and thumbnails through the proxy too. */ -}}
{{- $own := dict
  "url" (printf "%s/" $public)
  "port" 3000
  "id" "aidx"
  "mediaProxy" (printf "%s/media" $public)
  "db" (dict "host" $managed.database.host "port" (int $managed.database.port) "db" $managed.database.name)
  "redis" $redis -}}
{{- $proxy := include "sekisho.misskeyProxy" . -}}
{{- $mail := include "sekisho.misskeyMailProxy" . -}}
{{- $hasSecret := and .Values.egressProxy.enabled .Values.egressProxy.credentials.existingSecret -}}
{{- if $proxy -}}
{{- /* The default list would go past the proxy, where the policy stops it. */ -}}
{{- $_ := set $own "proxyBypassHosts" list -}}
{{- /* With credentials the whole URL comes from their Secret. */ -}}
{{- if or $managed.proxy (not $hasSecret) }}{{ $_ := set $own "proxy" $proxy }}{{ end -}}
{{- end -}}
{{- if and $mail (not $hasSecret) }}{{ $_ := set $own "proxySmtp" $mail }}{{ end -}}
{{- /* By way of JSON, as whole numbers of values.yaml would become 1e+06 in YAML. */ -}}
{{- toJson (mergeOverwrite $own (deepCopy $managed.config)) -}}
{{- end -}}

{{/* URL of the release's own proxy, for any Misskey. Arguments: root, port. */}}
{{- define "sekisho.egressProxyUrl" -}}
{{- printf "http://%s:%d" (include "sekisho.serviceHost" (dict "root" .root "component" "egress-proxy")) .port -}}
{{- end -}}

{{/* Proxy of a managed Misskey: the one that the values name, else the release's. Empty: none. */}}
{{- define "sekisho.misskeyProxy" -}}
{{- if .Values.misskey.managed.proxy -}}
{{- .Values.misskey.managed.proxy -}}
{{- else if .Values.egressProxy.enabled -}}
{{- include "sekisho.egressProxyUrl" (dict "root" . "port" 3128) -}}
{{- end -}}
{{- end -}}

{{/* The same for mail. */}}
{{- define "sekisho.misskeyMailProxy" -}}
{{- if and .Values.egressProxy.enabled .Values.egressProxy.smtp.targets }}{{ include "sekisho.egressProxyUrl" (dict "root" . "port" 3129) }}{{ end -}}
{{- end -}}

{{/* Ports of the release's proxy that a managed Misskey uses, as JSON. */}}
{{- define "sekisho.misskeyProxyPorts" -}}
{{- $ports := list -}}
{{- if and .Values.egressProxy.enabled (not .Values.misskey.managed.proxy) }}{{ $ports = append $ports 3128 }}{{ end -}}
{{- if include "sekisho.misskeyMailProxy" . }}{{ $ports = append $ports 3129 }}{{ end -}}
{{- toJson $ports -}}
{{- end -}}

{{/* List of {path, secret, key}: settings whose values come from Secrets. */}}
{{- define "sekisho.misskeySecrets" -}}
{{- $managed := .Values.misskey.managed -}}
{{- $all := list
  (dict "path" "db.user" "secret" $managed.database.existingSecret "key" $managed.database.userKey)
  (dict "path" "db.pass" "secret" $managed.database.existingSecret "key" $managed.database.passwordKey) -}}
{{- if $managed.redis.existingSecret -}}
{{- $all = append $all (dict "path" "redis.pass" "secret" $managed.redis.existingSecret "key" $managed.redis.passwordKey) -}}
{{- with $managed.redis.usernameKey -}}
{{- $all = append $all (dict "path" "redis.username" "secret" $managed.redis.existingSecret "key" .) -}}
{{- end -}}
{{- end -}}
{{- with $managed.setupPassword.existingSecret -}}
{{- $all = append $all (dict "path" "setupPassword" "secret" . "key" $managed.setupPassword.key) -}}
{{- end -}}
{{- $credentials := .Values.egressProxy.credentials.existingSecret -}}
{{- if and .Values.egressProxy.enabled $credentials -}}
{{- if not $managed.proxy }}{{ $all = append $all (dict "path" "proxy" "secret" $credentials "key" "proxy-url") }}{{ end -}}
{{- if include "sekisho.misskeyMailProxy" . }}{{ $all = append $all (dict "path" "proxySmtp" "secret" $credentials "key" "smtp-proxy-url") }}{{ end -}}
{{- end -}}
{{- range $managed.secretConfig -}}
{{- $all = append $all (dict "path" .path "secret" .secret "key" .key) -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/* Data of the ConfigMap; the migration has one of its own, because it runs before the release's objects exist. */}}
{{- define "sekisho.misskeyConfigData" -}}
{{- $secrets := list -}}
{{- range $at, $entry := include "sekisho.misskeySecrets" . | fromJsonArray -}}
{{- $secrets = append $secrets (dict "path" $entry.path "file" (printf "%d" $at)) -}}
{{- end -}}
misskey-config.ts: {{ .Files.Get "files/jobs/misskey-config.ts" | toJson }}
package.json: '{"type":"module"}'
misskey.json: {{ printf "{\"settings\":%s,\"secrets\":%s,\"mounts\":\"/run/secrets/misskey\",\"out\":\"/run/misskey\"}" (include "sekisho.misskeySettings" .) (toJson $secrets) | toJson }}
{{- end -}}
