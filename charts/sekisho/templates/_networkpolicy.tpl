{{/* NetworkPolicies. Each rule is written by a template below, because an empty `to`, `from` or `ports` means everything:
     no list here is ever rendered empty. */}}

{{/* Up to the rules. Both directions always: what a policy does not name is refused. Arguments: root, component;
     optional: annotations. */}}
{{- define "sekisho.networkPolicyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "sekisho.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    matchLabels:
      {{- include "sekisho.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}

{{/* Pods of this release as a peer. Arguments: root, component. */}}
{{- define "sekisho.componentPeer" -}}
- podSelector:
    matchLabels:
      {{- include "sekisho.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* Arguments: ports (numbers of the pod: a policy is judged behind the Service). */}}
{{- define "sekisho.tcpPorts" -}}
ports:
{{- range .ports }}
  - { protocol: TCP, port: {{ int . }} }
{{- end }}
{{- end -}}

{{/* DNS speaks both. Arguments: ports. */}}
{{- define "sekisho.dnsPorts" -}}
ports:
{{- range .ports }}
  - { protocol: UDP, port: {{ int . }} }
  - { protocol: TCP, port: {{ int . }} }
{{- end }}
{{- end -}}

{{/* One egress rule. Arguments: peers, ports. */}}
{{- define "sekisho.egressRule" -}}
{{- if or (not .peers) (not .ports) }}{{ fail "an egress rule without peers or ports would open everything" }}{{ end -}}
- to:
    {{- toYaml .peers | nindent 4 }}
  {{- include "sekisho.tcpPorts" . | nindent 2 }}
{{- end -}}

{{/* Arguments: root, component, port. */}}
{{- define "sekisho.toComponent" -}}
- to:
    {{- include "sekisho.componentPeer" . | nindent 4 }}
  {{- include "sekisho.tcpPorts" (dict "ports" (list .port)) | nindent 2 }}
{{- end -}}

{{/* Arguments: root, components, port. */}}
{{- define "sekisho.fromComponents" -}}
{{- $root := .root -}}
- from:
    {{- range .components }}
    {{- include "sekisho.componentPeer" (dict "root" $root "component" .) | nindent 4 }}
    {{- end }}
  {{- include "sekisho.tcpPorts" (dict "ports" (list .port)) | nindent 2 }}
{{- end -}}

{{/* Ops ports; empty where nobody may reach them. Arguments: root; dnsFilter, true for a pod that has the filter's sidecar
     where that is on. */}}
{{- define "sekisho.fromMonitoring" -}}
{{- $ports := ternary (list 9090 9094) (list 9090) (and (.dnsFilter | default false) .root.Values.dnsFilter.enabled) -}}
{{- with .root.Values.networkPolicy.monitoringFrom -}}
- from:
    {{- toYaml . | nindent 4 }}
  {{- include "sekisho.tcpPorts" (dict "ports" $ports) | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Resolvers by address that a pod asks besides the cluster's DNS: those of the filter where it runs, else those of the
     component. Empty when there are none. Arguments: root, values (the component's block), name (of the component's value). */}}
{{- define "sekisho.toResolvers" -}}
{{- $servers := ternary .root.Values.dnsFilter.upstreams .values.dnsServers .root.Values.dnsFilter.enabled -}}
{{- $name := ternary "dnsFilter.upstreams" .name .root.Values.dnsFilter.enabled -}}
{{- range $servers }}
- to:
    - ipBlock: { cidr: {{ include "sekisho.cidr" (dict "cidr" (include "sekisho.hostOf" .) "value" $name) | quote }} }
  {{- include "sekisho.dnsPorts" (dict "ports" (list (include "sekisho.portOf" .))) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The cluster's DNS, by labels (an address block reaches no pod on Cilium), and node-local caches, which are no pods.
     Argument: root. */}}
{{- define "sekisho.toDns" -}}
{{- $dns := .Values.networkPolicy.dns -}}
{{- if or (not $dns.namespaceLabels) (not $dns.podLabels) (not $dns.ports) -}}
{{- fail "networkPolicy.dns: namespaceLabels, podLabels and ports must each name something: an empty one would open every namespace, pod or port" -}}
{{- end -}}
- to:
    - namespaceSelector:
        matchLabels:
          {{- toYaml $dns.namespaceLabels | nindent 10 }}
      podSelector:
        matchLabels:
          {{- toYaml $dns.podLabels | nindent 10 }}
  {{- include "sekisho.dnsPorts" $dns | nindent 2 }}
{{- with $dns.nodeLocalCIDRs }}
- to:
    {{- range . }}
    - ipBlock: { cidr: {{ include "sekisho.cidr" (dict "cidr" . "value" "networkPolicy.dns.nodeLocalCIDRs") | quote }} }
    {{- end }}
  {{- include "sekisho.dnsPorts" (dict "ports" (list 53)) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Arguments: root, role (state or work). */}}
{{- define "sekisho.toRedis" -}}
{{- if .root.Values.redis.evaluation.enabled -}}
{{- include "sekisho.toComponent" (dict "root" .root "component" (printf "redis-%s" .role) "port" 6379) -}}
{{- else -}}
{{- $redis := index .root.Values.redis .role -}}
{{- include "sekisho.toHost" (dict "text" $redis.address "port" 6379 "peers" $redis.networkPolicyPeers
  "value" (printf "redis.%s.address" .role)) -}}
{{- end -}}
{{- end -}}

{{/* "true" when the work Redis is an address, so that its clients need no DNS. Argument: root. */}}
{{- define "sekisho.workRedisIsIp" -}}
{{- if and (not .Values.redis.evaluation.enabled) (include "sekisho.isIp" (include "sekisho.hostOf" .Values.redis.work.address)) -}}true{{- end -}}
{{- end -}}

{{/* Argument: root. */}}
{{- define "sekisho.toMisskey" -}}
{{- $misskey := .Values.misskey -}}
{{- if eq $misskey.mode "managed" -}}
{{- include "sekisho.toComponent" (dict "root" . "component" "misskey-web" "port" 3000) -}}
{{- else -}}
{{- include "sekisho.toHost" (dict "text" $misskey.url "port" (ternary 443 80 (hasPrefix "https:" $misskey.url))
  "podPort" $misskey.podPort "peers" $misskey.networkPolicyPeers "value" "misskey.url") -}}
{{- end -}}
{{- end -}}

{{/* Where an external Misskey runs, as a list of peers. Argument: root. */}}
{{- define "sekisho.misskeyPeers" -}}
{{- with .Values.misskey.networkPolicyPeers -}}
{{- toYaml . -}}
{{- else -}}
{{- include "sekisho.peersOfHost" (dict "host" (include "sekisho.hostOf" .Values.misskey.url) "value" "misskey.url") | fromJsonArray | toYaml -}}
{{- end -}}
{{- end -}}

{{/* What every process of a managed Misskey may reach besides its database. Argument: root. */}}
{{- define "sekisho.toMisskeyPeers" -}}
{{- $managed := .Values.misskey.managed -}}
{{- include "sekisho.toHost" (dict "text" $managed.redis.host "port" $managed.redis.port "peers" $managed.redis.networkPolicyPeers
  "value" "misskey.managed.redis.host") }}
{{- with include "sekisho.misskeyProxyPorts" . | fromJsonArray }}
- to:
    {{- include "sekisho.componentPeer" (dict "root" $ "component" "egress-proxy") | nindent 4 }}
  {{- include "sekisho.tcpPorts" (dict "ports" .) | nindent 2 }}
{{- end }}
{{- with $managed.proxy }}
{{ include "sekisho.toHost" (dict "text" . "port" (ternary 443 80 (hasPrefix "https:" .)) "peers" $managed.proxyNetworkPolicyPeers
  "value" "misskey.managed.proxy") }}
{{- end }}
{{- range $managed.networkPolicyEgress }}
{{- if or (not .peers) (not .ports) -}}
{{- fail "misskey.managed.networkPolicyEgress: each entry needs peers and ports: without them it would open everything" -}}
{{- end }}
{{ include "sekisho.egressRule" . }}
{{- end }}
{{- if .Values.misskey.unprotectedEgress.enabled }}
{{- with include "sekisho.toPublic" (dict "root" . "ports" (list 80 443)) }}
{{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Argument: root. */}}
{{- define "sekisho.toMisskeyDatabase" -}}
{{- $database := .Values.misskey.managed.database -}}
{{- include "sekisho.toHost" (dict "text" $database.host "port" $database.port "peers" $database.networkPolicyPeers
  "value" "misskey.managed.database.host") -}}
{{- end -}}

{{/* A rule to what a value names by URL, host:port or host: to the peers given, else to whom the host stands for; that
     there are some is validated. Arguments: text, port (when it has none), podPort (wins), peers, value (its name). */}}
{{- define "sekisho.toHost" -}}
{{- $host := include "sekisho.hostOf" .text -}}
{{- $port := .podPort | default (include "sekisho.portOf" .text) | default .port -}}
{{- $peers := .peers -}}
{{- if not $peers }}{{ $peers = include "sekisho.peersOfHost" (dict "host" $host "value" .value) | fromJsonArray }}{{ end -}}
{{- include "sekisho.egressRule" (dict "peers" $peers "ports" (list $port)) -}}
{{- end -}}

{{/* Whom a host stands for, as JSON: an address, the namespace of a Service (name.namespace.svc), or this namespace (a
     name without a dot). Empty for any other name. Arguments: host, value. */}}
{{- define "sekisho.peersOfHost" -}}
{{- if include "sekisho.isIp" .host -}}
{{- list (dict "ipBlock" (dict "cidr" (include "sekisho.cidr" (dict "cidr" .host "value" .value)))) | toJson -}}
{{- else if regexMatch "^[a-z0-9-]+\\.[a-z0-9-]+\\.svc(\\.|$)" .host -}}
{{- list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" (index (splitList "." .host) 1)))) | toJson -}}
{{- else if regexMatch "^[a-z0-9-]+$" .host -}}
{{- list (dict "podSelector" (dict)) | toJson -}}
{{- else -}}
[]
{{- end -}}
{{- end -}}
