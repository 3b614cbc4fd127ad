{{/* The checkpoint for activities (gateway.inbox): what the gateway is told, where its key and Misskey's queue are, and what
     is wrong with the values. */}}

{{/* Environment, as JSON. Arguments: root; secrets (folder of mounted Secrets). */}}
{{- define "sekisho.inboxEnv" -}}
{{- $inbox := .root.Values.gateway.inbox -}}
{{- $env := dict
  "SEKISHO_INBOX_MODE" $inbox.mode
  "SEKISHO_INBOX_LD_SIGNATURES" $inbox.ldSignatures
  "SEKISHO_INBOX_DATE_SKEW_S" $inbox.dateSkewSeconds
  "SEKISHO_INBOX_CAPTURE_PERCENT" $inbox.capturePercent
  "SEKISHO_INBOX_RULES_FILE" (ternary "/etc/sekisho/inbox-rules/rules.yaml" "/etc/sekisho/gateway/inbox-rules.yaml" (not (empty $inbox.rulesConfigMap)))
  "SEKISHO_INBOX_VERIFY" (ternary "on" "off" $inbox.verify.enabled) -}}
{{- with $inbox.relays }}{{ $_ := set $env "SEKISHO_INBOX_RELAYS" (join "," .) }}{{ end -}}
{{- if $inbox.verify.enabled -}}
{{- $_ := set $env "SEKISHO_INBOX_VERIFY_UNAVAILABLE" $inbox.verify.unavailable -}}
{{- $_ := set $env "SEKISHO_INBOX_ACTOR_KEY_FILE" (printf "%s/inbox-actor/actor-key" .secrets) -}}
{{- end -}}
{{- if eq $inbox.mode "enqueue" -}}
{{- $queue := include "sekisho.misskeyQueue" .root | fromJson -}}
{{- $_ := set $env "SEKISHO_MISSKEY_QUEUE_REDIS_URL_FILE" (printf "%s/misskey-queue/gateway-url" .secrets) -}}
{{- $_ := set $env "SEKISHO_MISSKEY_VERSION" $queue.version -}}
{{- with $queue.prefix }}{{ $_ := set $env "SEKISHO_MISSKEY_QUEUE_PREFIX" . }}{{ end -}}
{{- end -}}
{{- if $inbox.database.existingSecret }}{{ $_ := set $env "SEKISHO_MISSKEY_DATABASE_URL_FILE" (printf "%s/misskey-database/database-url" .secrets) }}{{ end -}}
{{- toJson $env -}}
{{- end -}}

{{/* Secrets for the gateway's pods, as JSON. */}}
{{- define "sekisho.inboxSecrets" -}}
{{- $inbox := .Values.gateway.inbox -}}
{{- $secrets := list -}}
{{- if $inbox.verify.enabled }}{{ $secrets = append $secrets (dict "name" "inbox-actor" "secret" (include "sekisho.inboxActorSecretName" .) "items" (list "actor-key")) }}{{ end -}}
{{- if eq $inbox.mode "enqueue" }}{{ $secrets = append $secrets (dict "name" "misskey-queue" "secret" $inbox.enqueue.existingSecret "items" (list "gateway-url")) }}{{ end -}}
{{- with $inbox.database.existingSecret }}{{ $secrets = append $secrets (dict "name" "misskey-database" "secret" . "items" (list "database-url")) }}{{ end -}}
{{- toJson $secrets -}}
{{- end -}}

{{- define "sekisho.inboxActorSecretName" -}}
{{- default (printf "%s-inbox-actor" (include "sekisho.fullname" .)) .Values.gateway.inbox.verify.existingSecret -}}
{{- end -}}

{{/* Misskey's job queue, as JSON: version, prefix, address, peers. What is not said comes from a managed Misskey, unless that
     has its queue in a Redis of its own (redisForJobQueue). */}}
{{- define "sekisho.misskeyQueue" -}}
{{- $given := .Values.gateway.inbox.enqueue -}}
{{- $queue := dict "version" (include "sekisho.text" $given.misskeyVersion) "prefix" $given.redisPrefix "address" $given.address "peers" $given.networkPolicyPeers -}}
{{- if eq .Values.misskey.mode "managed" -}}
{{- $managed := .Values.misskey.managed -}}
{{- if not $queue.version }}{{ $_ := set $queue "version" (toString $managed.image.tag) }}{{ end -}}
{{- if not (hasKey $managed.config "redisForJobQueue") -}}
{{- if not $queue.prefix }}{{ $_ := set $queue "prefix" $managed.redis.prefix }}{{ end -}}
{{- if and (not $queue.address) $managed.redis.host -}}
{{- $host := ternary (printf "[%s]" $managed.redis.host) $managed.redis.host (contains ":" $managed.redis.host) -}}
{{- $_ := set $queue "address" (printf "%s:%d" $host (int $managed.redis.port)) -}}
{{- if not $queue.peers }}{{ $_ := set $queue "peers" $managed.redis.networkPolicyPeers }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $queue -}}
{{- end -}}

{{/* Egress rule to Misskey's job queue; empty in the other modes. */}}
{{- define "sekisho.toMisskeyQueue" -}}
{{- if eq .Values.gateway.inbox.mode "enqueue" -}}
{{- $queue := include "sekisho.misskeyQueue" . | fromJson -}}
{{- include "sekisho.toHost" (dict "text" $queue.address "port" 6379 "peers" $queue.peers "value" "gateway.inbox.enqueue.address") -}}
{{- end -}}
{{- end -}}

{{- define "sekisho.validate.inbox" -}}
{{- $inbox := .Values.gateway.inbox -}}
{{- if and $inbox.rules $inbox.rulesConfigMap }}
gateway.inbox.rules and gateway.inbox.rulesConfigMap are both set, and only one file is read: remove one of them
{{- end }}
{{- range $inbox.relays }}
{{- if not (regexMatch "^https://[^/,\\s?#@]+/[^,\\s#]*$" .) }}
gateway.inbox.relays holds {{ . | quote }}: write the URL of the relay's actor, for example https://relay.example/actor
{{- end }}
{{- end }}
{{- if and $inbox.verify.enabled (not $inbox.verify.existingSecret) (not .Values.secrets.generate.enabled) }}
gateway.inbox.verify.enabled needs a key that signs the requests for keys, and secrets.generate.enabled is false: make a Secret with an RSA private key (openssl genrsa 2048) under actor-key and write its name into gateway.inbox.verify.existingSecret
{{- end }}
{{- if eq $inbox.mode "enqueue" }}
{{- include "sekisho.validate.enqueue" . }}
{{- end }}
{{- include "sekisho.validate.inboxDatabase" . }}
{{- end -}}

{{- define "sekisho.validate.enqueue" -}}
{{- $given := .Values.gateway.inbox.enqueue -}}
{{- $queue := include "sekisho.misskeyQueue" . | fromJson -}}
{{- if not $given.existingSecret }}
gateway.inbox.mode is enqueue and gateway.inbox.enqueue.existingSecret is not set: make a Secret with the key gateway-url, the URL of the Redis with Misskey's job queue (docs/kubernetes-misskey.md), and write its name
{{- end }}
{{- if not $queue.version }}
gateway.inbox.mode is enqueue and gateway.inbox.enqueue.misskeyVersion is not set: write the version of Misskey, for example "2026.3.2"
{{- else if not (regexMatch "^[0-9]{4}\\.[0-9]{1,2}\\.[0-9]{1,3}([-+][0-9A-Za-z.+-]{1,64})?$" $queue.version) }}
{{ ternary "gateway.inbox.enqueue.misskeyVersion" "misskey.managed.image.tag" (not (empty $given.misskeyVersion)) }} is {{ $queue.version | quote }}, no version of Misskey: write one into gateway.inbox.enqueue.misskeyVersion, for example "2026.3.2"
{{- end }}
{{- if and $queue.prefix (not (regexMatch "^[A-Za-z0-9.:_-]{1,255}$" $queue.prefix)) }}
{{ ternary "gateway.inbox.enqueue.redisPrefix" "misskey.managed.redis.prefix" (not (empty $given.redisPrefix)) }} is {{ $queue.prefix | quote }}: write the prefix of Misskey's Redis keys, for example social.example
{{- end }}
{{- if and $queue.address (not (include "sekisho.isHostPort" $queue.address)) }}
gateway.inbox.enqueue.address is {{ $queue.address | quote }}: write host:port, for example 10.0.0.5:6379 or redis.databases.svc:6379
{{- else if and .Values.networkPolicy.enabled (not $queue.address) }}
gateway.inbox.enqueue.address is not set, so the NetworkPolicy does not know the port: write host:port of the Redis with Misskey's job queue, for example 10.0.0.5:6379
{{- else }}
{{- include "sekisho.validate.peer" (dict "root" $ "name" "gateway.inbox.enqueue.address" "host" (include "sekisho.hostOf" $queue.address) "peers" $queue.peers "peersName" "gateway.inbox.enqueue.networkPolicyPeers") }}
{{- end }}
{{- end -}}
