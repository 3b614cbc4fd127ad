{{/* What no schema can say, or cannot say in a sentence that helps: each rule prints one line that tells what to write.
     All problems are shown at once. Included once, from validation/values.yaml. */}}
{{- define "sekisho.validate" -}}
{{- $problems := list -}}
{{- range $area := list "publicUrl" "misskey" "managed" "proxies" "images" "secrets" "redis" "inbox" "networks" "nat64" "unsafe" "hosts" "service" "scaling" "shutdown" "worker" "sandbox" "egressProxy" "dnsFilter" "environment" -}}
{{- range splitList "\n" (include (printf "sekisho.validate.%s" $area) $) -}}
{{- with trim . }}{{ $problems = append $problems . }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nThe values of Sekisho need a change:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}

{{- define "sekisho.services" -}}
{{- $all := dict "gateway" .Values.gateway "fetcher" .Values.fetcher "imageWorker" .Values.imageWorker -}}
{{- if .Values.egressProxy.enabled }}{{ $_ := set $all "egressProxy" .Values.egressProxy }}{{ end -}}
{{- toJson $all -}}
{{- end -}}

{{/* The services, and the DNS filter, which is no Deployment of its own. */}}
{{- define "sekisho.programs" -}}
{{- merge (dict "dnsFilter" .Values.dnsFilter) (include "sekisho.services" . | fromJson) | toJson -}}
{{- end -}}

{{- define "sekisho.validate.publicUrl" -}}
{{- $url := .Values.publicUrl -}}
{{- $host := include "sekisho.hostOf" $url -}}
{{- if not $url }}
publicUrl is not set: write the URL of the instance as users see it, for example publicUrl: https://social.example
{{- else if not (regexMatch "^https?://(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?/?$" $url) }}
publicUrl is {{ $url | quote }}: write scheme and host only, without path, user or query, for example publicUrl: https://social.example
{{- else if and (hasPrefix "http://" $url) (not .Values.unsafe.iUnderstand) (not (regexMatch "^(localhost|127\\.[0-9.]+|::1)$" $host)) }}
publicUrl is plain http: write https://{{ $host }} (TLS may end at the ingress or load balancer before the gateway)
{{- end }}
{{- end -}}

{{- define "sekisho.validate.misskey" -}}
{{- if eq .Values.misskey.mode "external" }}
{{- $url := .Values.misskey.url -}}
{{- $host := include "sekisho.hostOf" $url -}}
{{- if not $url }}
misskey.url is not set: write where Misskey listens inside the cluster, for example misskey.url: http://misskey.misskey.svc:3000
{{- else if not (regexMatch "^https?://(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?/?$" $url) }}
misskey.url is {{ $url | quote }}: write scheme, host and port only, for example misskey.url: http://misskey.misskey.svc:3000
{{- else if eq $host (include "sekisho.hostOf" .Values.publicUrl) }}
misskey.url has the host of publicUrl, so the gateway would ask itself: write the address of Misskey's own Service, for example http://misskey.misskey.svc:3000
{{- else if and .Values.networkPolicy.enabled (not .Values.misskey.networkPolicyPeers) (not (include "sekisho.peersOfHost" (dict "host" $host "value" "misskey.url") | fromJsonArray)) }}
misskey.url names {{ $host }}, and a NetworkPolicy cannot allow names: say where it runs, for example misskey.networkPolicyPeers: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: misskey } } }], or use the name of its Service (name.namespace.svc)
{{- end }}
{{- if .Values.misskey.unprotectedEgress.enabled }}
misskey.unprotectedEgress.enabled has no effect on a Misskey that runs elsewhere: remove it, or set misskey.mode: managed
{{- end }}
{{- end }}
{{- end -}}

{{/* Address of something outside the chart that a pod of the chart must reach. Arguments: root, name, host, peers. */}}
{{- define "sekisho.validate.peer" -}}
{{- if and .root.Values.networkPolicy.enabled (not .peers) (not (include "sekisho.peersOfHost" (dict "host" .host "value" .name) | fromJsonArray)) }}
{{ .name }} is {{ if .host }}the name {{ .host }}, and a NetworkPolicy cannot allow names{{ else }}not set, so the NetworkPolicy does not know whom to allow{{ end }}: give an IP address, or say where it runs, for example {{ .peersName }}: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: databases } } }]
{{- end }}
{{- end -}}

{{- define "sekisho.validate.proxies" -}}
{{- $gateway := .Values.gateway -}}
{{- if and (or .Values.ingress.enabled $gateway.behindProxy) (not $gateway.trustedProxies) (not $gateway.trustedProxiesConfigMap) }}
{{ ternary "ingress.enabled" "gateway.behindProxy" .Values.ingress.enabled }} is true but gateway.trustedProxies is empty, so all users would share the proxy's budget: write the addresses of the proxy, for example gateway.trustedProxies: [10.20.0.0/16], or gateway.trustedProxies: [private] for all private ranges
{{- end }}
{{- range $gateway.trustedProxies }}
{{- if and (ne . "private") (not (include "sekisho.isCidr" .)) }}
gateway.trustedProxies holds {{ . | quote }}: write address prefixes with their length, for example 10.20.0.0/16 or fd00::/8, or the preset private
{{- else if hasSuffix "/0" . }}
gateway.trustedProxies holds {{ . }}, so every client could name any address as its own: write the addresses of your proxies only
{{- end }}
{{- end }}
{{- end -}}

{{- define "sekisho.validate.images" -}}
{{- $images := dict "gateway.image" .Values.gateway.image "fetcher.image" .Values.fetcher.image "imageWorker.image" .Values.imageWorker.image "redis.evaluation.image" .Values.redis.evaluation.image "egressProxy.image" .Values.egressProxy.image "dnsFilter.image" .Values.dnsFilter.image }}
{{- if eq .Values.misskey.mode "managed" }}{{ $_ := set $images "misskey.managed.image" .Values.misskey.managed.image }}{{ end }}
{{- range $name, $image := $images }}
{{- if and $image.digest (not (regexMatch "^sha256:[0-9a-f]{64}$" $image.digest)) }}
{{ $name }}.digest is {{ $image.digest | quote }}: write sha256: and 64 lower-case hex digits, or leave it empty and use {{ $name }}.tag
{{- end }}
{{- if regexMatch "(@|:[^/]*$|^https?://)" $image.repository }}
{{ $name }}.repository is {{ $image.repository | quote }}: write it without scheme, tag and digest; these belong to {{ $name }}.tag and {{ $name }}.digest
{{- end }}
{{- if and $image.tag (not (regexMatch "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$" (toString $image.tag))) }}
{{ $name }}.tag is {{ $image.tag | quote }}: write a tag, for example "1.2.3"; a digest belongs to {{ $name }}.digest
{{- end }}
{{- end }}
{{- end -}}

{{- define "sekisho.validate.secrets" -}}
{{- if not .Values.secrets.generate.enabled }}
{{- if not .Values.secrets.existingSecret }}
secrets.generate.enabled is false and secrets.existingSecret is empty: make a Secret with the keys internal-token, cache-key and isolation-key (32 random bytes each) and write its name, or set secrets.generate.enabled: true
{{- end }}
{{- if .Values.redis.evaluation.enabled }}
redis.evaluation.enabled needs passwords that only the Job of secrets.generate makes: set secrets.generate.enabled: true, or use your own Redis with redis.evaluation.enabled: false
{{- end }}
{{- end }}
{{- end -}}

{{- define "sekisho.validate.redis" -}}
{{- $redis := .Values.redis -}}
{{- range $role := list "state" "work" }}
{{- $given := index $redis $role }}
{{- if $redis.evaluation.enabled }}
{{- if $given.existingSecret }}
redis.{{ $role }}.existingSecret is set while redis.evaluation.enabled is true: set redis.evaluation.enabled: false to use your own Redis
{{- end }}
{{- else }}
{{- if not $given.existingSecret }}
redis.{{ $role }}.existingSecret is not set and redis.evaluation.enabled is false: make a Secret with {{ ternary "the key gateway-url" "the keys gateway-url, fetcher-url and image-worker-url" (eq $role "state") }} (docs/install.md) and write its name
{{- end }}
{{- if and $given.address (not (include "sekisho.isHostPort" $given.address)) }}
redis.{{ $role }}.address is {{ $given.address | quote }}: write host:port, for example 10.0.0.5:6379 or redis.databases.svc:6379
{{- else if and $.Values.networkPolicy.enabled (not $given.address) }}
redis.{{ $role }}.address is not set, so the NetworkPolicy does not know the port: write host:port, for example 10.0.0.5:6379
{{- else }}
{{- include "sekisho.validate.peer" (dict "root" $ "name" (printf "redis.%s.address" $role) "host" (include "sekisho.hostOf" $given.address) "peers" $given.networkPolicyPeers "peersName" (printf "redis.%s.networkPolicyPeers" $role)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $redis.evaluation.enabled }}
{{- $max := include "sekisho.redisBytes" $redis.evaluation.maxmemory }}
{{- if not $max }}
redis.evaluation.maxmemory is {{ $redis.evaluation.maxmemory | quote }}: write a number with kb, mb or gb, for example 384mb
{{- else }}
{{- if gt (mul 2 (int64 $redis.work.bytesMax)) (int64 $max) }}
redis.work.bytesMax is {{ int64 $redis.work.bytesMax }}, more than half of redis.evaluation.maxmemory ({{ $redis.evaluation.maxmemory }}): write at most {{ div (int64 $max) 2 }}, or raise maxmemory together with redis.evaluation.resources.limits.memory
{{- end }}
{{- if ge (int64 .Values.gateway.cacheRedisBytes) (int64 $max) }}
gateway.cacheRedisBytes is {{ int64 .Values.gateway.cacheRedisBytes }}, no less than redis.evaluation.maxmemory ({{ $redis.evaluation.maxmemory }}): write at most two thirds of it ({{ div (mul 2 (int64 $max)) 3 }})
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Bytes of a maxmemory of Redis; empty when it is none. */}}
{{- define "sekisho.redisBytes" -}}
{{- $text := include "sekisho.text" . | lower -}}
{{- if regexMatch "^[1-9][0-9]{0,14}(k|kb|m|mb|g|gb|b)?$" $text -}}
{{- $units := dict "" 1 "b" 1 "k" 1000 "kb" 1024 "m" 1000000 "mb" 1048576 "g" 1000000000 "gb" 1073741824 -}}
{{- mul (regexFind "^[0-9]+" $text | int64) (index $units (regexFind "[a-z]*$" $text)) -}}
{{- end -}}
{{- end -}}

{{- define "sekisho.validate.networks" -}}
{{- $lists := dict
  "cluster.denyCIDRs" .Values.cluster.denyCIDRs "cluster.apiServerCIDRs" .Values.cluster.apiServerCIDRs
  "egress.extraBlockedCIDRs" .Values.egress.extraBlockedCIDRs "networkPolicy.dns.nodeLocalCIDRs" .Values.networkPolicy.dns.nodeLocalCIDRs
  "unsafe.publicCIDRs" .Values.unsafe.publicCIDRs "gateway.service.loadBalancerSourceRanges" .Values.gateway.service.loadBalancerSourceRanges }}
{{- range $name, $list := $lists }}
{{- range $list }}
{{- if not (include "sekisho.isCidr" .) }}
{{ $name }} holds {{ . | quote }}: write an address prefix with its length, for example 203.0.113.0/24, 203.0.113.7/32 or 2001:db8::/32
{{- else if and (hasSuffix "/0" .) (has $name (list "cluster.denyCIDRs" "egress.extraBlockedCIDRs")) }}
{{ $name }} holds {{ . }}, which leaves nothing to fetch: write the networks of your cluster only
{{- end }}
{{- end }}
{{- end }}
{{- if not .Values.egress.ports }}
egress.ports is empty, so no picture could be fetched: write egress.ports: [443]
{{- else if not (has "443" (toStrings .Values.egress.ports)) }}
egress.ports does not hold 443, where nearly all pictures are: write egress.ports: [443]
{{- end }}
{{- range $name, $list := dict "fetcher.dnsServers" .Values.fetcher.dnsServers "egressProxy.dnsServers" .Values.egressProxy.dnsServers "dnsFilter.upstreams" .Values.dnsFilter.upstreams }}
{{- range $list }}
{{- if not (and (include "sekisho.portOf" .) (include "sekisho.isIp" (include "sekisho.hostOf" .))) }}
{{ $name }} holds {{ . | quote }}: write ip:port, for example 10.96.0.10:53 or [fd00::53]:53
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sekisho.validate.unsafe" -}}
{{- $unsafe := .Values.unsafe -}}
{{- if not $unsafe.iUnderstand }}
{{- if $unsafe.publicCIDRs }}
unsafe.publicCIDRs takes protected ranges out of the address table and is for tests only: remove it, or set unsafe.iUnderstand: true
{{- end }}
{{- if $unsafe.caConfigMap }}
unsafe.caConfigMap lets another authority speak for every public host and is for tests only: remove it, or set unsafe.iUnderstand: true
{{- end }}
{{- range $name, $service := include "sekisho.programs" . | fromJson }}
{{- range $key, $_ := $service.extraEnv }}
{{- if hasPrefix "SEKISHO_UNSAFE_" $key }}
{{ $name }}.extraEnv holds {{ $key }}, which is for tests only: remove it, or set unsafe.iUnderstand: true
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sekisho.validate.hosts" -}}
{{- range $name, $list := dict "ownHosts" .Values.ownHosts "ingress.hosts" .Values.ingress.hosts }}
{{- range $list }}
{{- if not (regexMatch "^(\\*\\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$" .) }}
{{ $name }} holds {{ . | quote }}: write host names without scheme, port and path, for example media.social.example
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.gateway.blockedHosts }}
{{- if regexMatch "[\\s/:?#@]" . }}
gateway.blockedHosts holds {{ . | quote }}: write host names without scheme, port and path, for example tracker.example
{{- end }}
{{- end }}
{{- range .Values.gateway.storageBases }}
{{- if not (regexMatch "^https?://[^,\\s?#]+/$" .) }}
gateway.storageBases holds {{ . | quote }}: write URLs with their closing slash, for example https://s3.example.com/my-bucket/
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled .Values.ingress.hosts .Values.publicUrl (not (has (include "sekisho.hostOf" .Values.publicUrl) .Values.ingress.hosts)) }}
ingress.hosts does not hold {{ include "sekisho.hostOf" .Values.publicUrl }}, the host of publicUrl: add it, or leave ingress.hosts empty
{{- end }}
{{- range $name := list "nameOverride" "fullnameOverride" }}
{{- $text := index $.Values $name }}
{{- if and $text (not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $text)) }}
{{ $name }} is {{ $text | quote }}: write lower-case letters, digits and hyphens, a letter first
{{- end }}
{{- end }}
{{- end -}}

{{- define "sekisho.validate.service" -}}
{{- $service := .Values.gateway.service -}}
{{- if and (eq $service.type "ClusterIP") $service.nodePort }}
gateway.service.nodePort needs gateway.service.type: NodePort or LoadBalancer
{{- end }}
{{- if and (eq $service.type "ClusterIP") $service.externalTrafficPolicy }}
gateway.service.externalTrafficPolicy needs gateway.service.type: NodePort or LoadBalancer
{{- end }}
{{- if and (ne $service.type "LoadBalancer") (or $service.loadBalancerClass $service.loadBalancerSourceRanges) }}
gateway.service.loadBalancerClass and loadBalancerSourceRanges need gateway.service.type: LoadBalancer
{{- end }}
{{- end -}}

{{- define "sekisho.validate.scaling" -}}
{{- range $name, $service := include "sekisho.services" . | fromJson }}
{{- $auto := $service.autoscaling }}
{{- if and $auto.enabled (gt (int $auto.minReplicas) (int $auto.maxReplicas)) }}
{{ $name }}.autoscaling.minReplicas ({{ int $auto.minReplicas }}) is more than maxReplicas ({{ int $auto.maxReplicas }}): raise maxReplicas or lower minReplicas
{{- end }}
{{- if and $auto.enabled (not (dig "requests" "cpu" "" $service.resources)) }}
{{ $name }}.autoscaling compares with the CPU request: write {{ $name }}.resources.requests.cpu
{{- end }}
{{- $replicas := int (include "sekisho.replicasMin" $service) }}
{{- $budget := $service.podDisruptionBudget }}
{{- if and $budget.enabled (gt $replicas 1) (not (kindIs "string" $budget.maxUnavailable)) }}
{{- if lt (int $budget.maxUnavailable) 1 }}
{{ $name }}.podDisruptionBudget.maxUnavailable is 0, so no node with such a pod could ever be drained: write 1
{{- else if ge (int $budget.maxUnavailable) $replicas }}
{{ $name }}.podDisruptionBudget.maxUnavailable is {{ int $budget.maxUnavailable }} of {{ $replicas }} replicas, so all may go at once: write at most {{ sub $replicas 1 }}
{{- end }}
{{- end }}
{{- if not (dig "limits" "memory" "" $service.resources) }}
{{ $name }}.resources.limits.memory is not set, so one pod could take the memory of its node: write one
{{- end }}
{{- end }}
{{- end -}}

{{/* The services end themselves 8 s behind the last step at the latest (GRACE_MARGIN_MS of the gateway). */}}
{{- define "sekisho.validate.shutdown" -}}
{{- range $name := list "gateway" "fetcher" "egressProxy" }}
{{- $service := index $.Values $name }}
{{- $needed := add 8 (int $service.shutdown.delaySeconds) (int $service.shutdown.drainSeconds) }}
{{- if lt (int64 $service.terminationGracePeriodSeconds) $needed }}
{{ $name }}.terminationGracePeriodSeconds is {{ int $service.terminationGracePeriodSeconds }}, shorter than shutdown.delaySeconds + shutdown.drainSeconds + 8, so running streams would be cut: write at least {{ $needed }}
{{- end }}
{{- end }}
{{- if lt (int .Values.imageWorker.terminationGracePeriodSeconds) 15 }}
imageWorker.terminationGracePeriodSeconds is {{ int .Values.imageWorker.terminationGracePeriodSeconds }}, and a picture may take 10 s: write at least 15
{{- end }}
{{- end -}}

{{- define "sekisho.validate.worker" -}}
{{- $slots := int (include "sekisho.imageSlots" .) }}
{{- if gt $slots 1024 }}
imageWorker.slots times its replicas is {{ $slots }}: the gateway knows at most 1024, lower one of them
{{- end }}
{{- end -}}

{{- define "sekisho.validate.sandbox" -}}
{{- $seccomp := .Values.imageWorker.sandbox.seccomp -}}
{{- $profile := $seccomp.localhostProfile -}}
{{- $appArmor := .Values.imageWorker.sandbox.appArmor.localhostProfile -}}
{{- if eq $seccomp.type "Unconfined" }}
imageWorker.sandbox.seccomp.type is Unconfined, which opens the whole kernel to the image-worker and is refused by Pod Security: write RuntimeDefault or Localhost
{{- else if not (has $seccomp.type (list "RuntimeDefault" "Localhost")) }}
imageWorker.sandbox.seccomp.type is {{ $seccomp.type | quote }}: write RuntimeDefault or Localhost
{{- else if and (eq $seccomp.type "Localhost") (not $profile) }}
imageWorker.sandbox.seccomp.type is Localhost but seccomp.localhostProfile is empty: write the path of the profile below the kubelet's seccomp folder, for example localhostProfile: sekisho/image-worker.json
{{- else if and (eq $seccomp.type "RuntimeDefault") $profile }}
imageWorker.sandbox.seccomp.localhostProfile has no effect with RuntimeDefault: set imageWorker.sandbox.seccomp.type: Localhost, or remove it
{{- end }}
{{- if hasPrefix "/" $profile }}
imageWorker.sandbox.seccomp.localhostProfile is {{ $profile | quote }}: write the path below the kubelet's seccomp folder (most often /var/lib/kubelet/seccomp), for example sekisho/image-worker.json
{{- else if has ".." (splitList "/" $profile) }}
imageWorker.sandbox.seccomp.localhostProfile is {{ $profile | quote }}, and a path with .. is refused by the API server: write one below the kubelet's seccomp folder, for example sekisho/image-worker.json
{{- end }}
{{- if or (eq (lower $appArmor) "unconfined") (hasPrefix "/" $appArmor) (regexMatch "[[:space:]\"]|\\.\\." $appArmor) }}
imageWorker.sandbox.appArmor.localhostProfile is {{ $appArmor | quote }}: write the name of a loaded profile as aa-status shows it, not its file, or leave it empty
{{- end }}
{{- end -}}

{{- define "sekisho.validate.egressProxy" -}}
{{- $proxy := .Values.egressProxy -}}
{{- range $proxy.smtp.targets }}
{{- $host := include "sekisho.hostOf" . }}
{{- $port := include "sekisho.portOf" . }}
{{- if or (not $port) (include "sekisho.isIp" $host) (not (regexMatch "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\\.[a-z0-9-]*[a-z0-9]$" $host)) (not (hasPrefix $host (lower .))) }}
egressProxy.smtp.targets holds {{ . | quote }}: write a public name and its port, for example smtp.provider.example:465
{{- end }}
{{- end }}
{{- range $name, $list := dict "egressProxy.allowHosts" $proxy.allowHosts "egressProxy.denyHosts" $proxy.denyHosts }}
{{- range $list }}
{{- if or (not .) (regexMatch "[\\s/:?#@]" .) }}
{{ $name }} holds {{ . | quote }}: write host names without scheme, port and path, for example social.example, which stands for the names below it too
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Names that a service asks for by itself would go past the filter. */}}
{{- define "sekisho.validate.dnsFilter" -}}
{{- $filter := .Values.dnsFilter -}}
{{- if $filter.enabled }}
{{- range $name, $list := dict "fetcher" .Values.fetcher.dnsServers "egressProxy" .Values.egressProxy.dnsServers }}
{{- if $list }}
{{ $name }}.dnsServers is set while dnsFilter.enabled is true, and would go past the filter: write them into dnsFilter.upstreams, or set dnsFilter.enabled: false
{{- end }}
{{- end }}
{{- if gt (len $filter.upstreams) 8 }}
dnsFilter.upstreams holds {{ len $filter.upstreams }} resolvers: write at most 8
{{- end }}
{{- if not (dig "limits" "memory" "" $filter.resources) }}
dnsFilter.resources.limits.memory is not set, so one pod could take the memory of its node: write one
{{- end }}
{{- else if $filter.upstreams }}
dnsFilter.upstreams has no effect while dnsFilter.enabled is false: remove it, or write it into fetcher.dnsServers and egressProxy.dnsServers
{{- end }}
{{- end -}}

{{- define "sekisho.validate.environment" -}}
{{- range $name, $service := include "sekisho.programs" . | fromJson }}
{{- range $key, $value := $service.extraEnv }}
{{- if not (regexMatch "^[A-Za-z_][A-Za-z0-9_.-]*$" $key) }}
{{ $name }}.extraEnv holds {{ $key | quote }}, which is no name of a variable: write letters, digits and _
{{- else if and (kindIs "map" $value) (not (hasKey $value "valueFrom")) }}
{{ $name }}.extraEnv.{{ $key }} is a map without valueFrom: write a text, or { valueFrom: { secretKeyRef: { name: …, key: … } } }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
