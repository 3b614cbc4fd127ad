{{/* A list of environment variables, each name once, sorted: `$(NAME)` in a value sees only what stands before it, and
     the names of the downward API (HOST_IPS, POD_IPS) sort before SEKISHO_.
     Arguments: own (name to text, number, bool or {valueFrom}), extra (the same; wins). */}}
{{- define "sekisho.env" -}}
{{- include "sekisho.envLines" . | trim -}}
{{- end -}}

{{- define "sekisho.envLines" -}}
{{- $all := merge (dict) (.extra | default dict) .own -}}
{{- range $name := keys $all | sortAlpha }}
{{- $value := index $all $name }}
{{- if kindIs "map" $value }}
- name: {{ $name }}
  {{- toYaml $value | nindent 2 }}
{{- else if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  value: {{ include "sekisho.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A number as it was written: Helm reads 134217728 as a float and would print 1.34217728e+08. */}}
{{- define "sekisho.text" -}}
{{- if kindIs "float64" . -}}
{{- if eq (float64 (int64 .)) . }}{{ . | int64 }}{{ else }}{{ . }}{{ end -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* What each judge of addresses is told (fetcher, egress-proxy, DNS filter), as JSON. Arguments: root; filesPath (where the
     pod has deny-cidrs.txt). */}}
{{- define "sekisho.addressEnv" -}}
{{- $env := dict
  "HOST_IPS" (dict "valueFrom" (dict "fieldRef" (dict "fieldPath" "status.hostIPs")))
  "POD_IPS" (dict "valueFrom" (dict "fieldRef" (dict "fieldPath" "status.podIPs")))
  "SEKISHO_NODE_IPS" "$(HOST_IPS),$(POD_IPS)"
  "SEKISHO_DENY_CIDRS_FILE" (printf "%s/deny-cidrs.txt" .filesPath) -}}
{{- $unsafe := .root.Values.unsafe -}}
{{- if and $unsafe.iUnderstand $unsafe.publicCIDRs }}{{ $_ := set $env "SEKISHO_UNSAFE_PUBLIC_CIDRS" (join "," $unsafe.publicCIDRs) }}{{ end -}}
{{- with .root.Values.cluster.nat64Prefixes }}{{ $_ := set $env "SEKISHO_NAT64_PREFIX" (join "," .) }}{{ end -}}
{{- toJson $env -}}
{{- end -}}

{{/* Pictures decoded at once by all image-workers together, at their highest number of replicas: a gateway that thinks
     there are fewer leaves workers idle. */}}
{{- define "sekisho.imageSlots" -}}
{{- $worker := .Values.imageWorker -}}
{{- $replicas := ternary $worker.autoscaling.maxReplicas $worker.replicas $worker.autoscaling.enabled -}}
{{- mul (max 1 (int $replicas)) (int $worker.slots) -}}
{{- end -}}

{{/* CIDRs of gateway.trustedProxies, separated by commas; the preset `private` stands for files/private-cidrs.txt. */}}
{{- define "sekisho.trustedProxies" -}}
{{- $all := list -}}
{{- range .Values.gateway.trustedProxies -}}
{{- if eq . "private" -}}
{{- range $.Files.Lines "files/private-cidrs.txt" -}}
{{- $cidr := regexReplaceAll "#.*$" . "" | trim -}}
{{- if $cidr }}{{ $all = append $all $cidr }}{{ end -}}
{{- end -}}
{{- else -}}
{{- $all = append $all . -}}
{{- end -}}
{{- end -}}
{{- $all | uniq | join "," -}}
{{- end -}}

{{/* Networks of the user that are never fetched from, one per line. */}}
{{- define "sekisho.denyCidrs" -}}
{{- concat .Values.cluster.denyCIDRs .Values.egress.extraBlockedCIDRs | uniq | join "\n" -}}
{{- end -}}
