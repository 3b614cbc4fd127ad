{{/* The DNS filter as a native sidecar: started before the service that asks it, ended after it, reached by the pod alone. */}}

{{- define "sekisho.dnsFilterAddress" -}}127.0.0.1:5353{{- end -}}

{{/* SEKISHO_DNS_SERVERS of a component: the filter beside it, else the resolvers that its values name, else nothing.
     Arguments: root, values (the component's block). */}}
{{- define "sekisho.dnsServers" -}}
{{- if .root.Values.dnsFilter.enabled -}}
{{- include "sekisho.dnsFilterAddress" . -}}
{{- else -}}
{{- join "," .values.dnsServers -}}
{{- end -}}
{{- end -}}

{{/* Arguments: root; files (name of the volume with deny-cidrs.txt) and filesPath (where the pod has it). */}}
{{- define "sekisho.dnsFilterContainer" -}}
{{- $filter := .root.Values.dnsFilter -}}
{{- $env := dict
  "SEKISHO_DNS_FILTER_HOST" "127.0.0.1"
  "SEKISHO_DNS_FILTER_PORT" 5353
  "SEKISHO_DNS_FILTER_FOLDER" "/run/sekisho/dns-filter"
  "SEKISHO_OPS_HOST" .root.Values.cluster.listenHost
  "SEKISHO_OPS_PORT" 9094
  "SEKISHO_LOG_LEVEL" .root.Values.logLevel -}}
{{- $env = merge $env (include "sekisho.addressEnv" . | fromJson) -}}
{{- with $filter.upstreams }}{{ $_ := set $env "SEKISHO_DNS_FILTER_UPSTREAMS" (join "," .) }}{{ end -}}
- name: dns-filter
  image: {{ include "sekisho.image" (dict "root" .root "image" $filter.image) | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  restartPolicy: Always
  securityContext:
    {{- include "sekisho.containerSecurityContext" (dict) | nindent 4 }}
  ports:
    - { name: dns-ops, containerPort: 9094 }
  env:
    {{- include "sekisho.env" (dict "own" $env "extra" $filter.extraEnv) | nindent 4 }}
  {{- include "sekisho.probes" (dict "opsPort" "dns-ops") | nindent 2 }}
  resources:
    {{- toYaml $filter.resources | nindent 4 }}
  volumeMounts:
    - { name: dns-filter, mountPath: /run/sekisho/dns-filter }
    - { name: {{ .files }}, mountPath: {{ .filesPath }}, readOnly: true }
{{- end -}}

{{/* Its rules and its control socket; in memory, as nothing of it outlives the pod. */}}
{{- define "sekisho.dnsFilterVolume" -}}
- name: dns-filter
  emptyDir: { medium: Memory, sizeLimit: 32Mi }
{{- end -}}
