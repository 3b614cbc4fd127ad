{{/* Pods of `helm test`. Their component is `test`, and these are the connections they need:
       cluster DNS; gateway pods, port 8080; egress-proxy pods, port 3128; what a DNS filter asks.
     All else must stay closed to them: that is what the policy test looks at. It tries the gateway's ops port 9090, the
     API server, the fetcher's 8081 and the evaluation Redis' 6379.

     A pod that succeeded goes at once, since what a hook made outlives the release; its lines are printed by Helm. One
     that failed stays for kubectl logs until the next run. Arguments: root, name (of the test), weight;
     optional: dnsFilter, true for one with the filter beside it. */}}
{{- define "sekisho.testPod" -}}
{{- $root := .root -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "sekisho.fullname" $root }}-test-{{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" (dict "root" $root "component" "test") | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
spec:
  {{- include "sekisho.podDefaults" (dict "root" $root "values" $root.Values.tests) | nindent 2 }}
  restartPolicy: Never
  activeDeadlineSeconds: {{ int $root.Values.tests.deadlineSeconds }}
  {{- if .dnsFilter }}
  initContainers:
    {{- include "sekisho.dnsFilterContainer" (dict "root" $root "files" "files" "filesPath" "/etc/sekisho/fetcher") | nindent 4 }}
  {{- end }}
  containers:
    - name: test
      image: {{ include "sekisho.image" (dict "root" $root "image" $root.Values.gateway.image) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [/usr/local/bin/node, /opt/sekisho/jobs/test-{{ .name }}.ts, /opt/sekisho/jobs/tests.json]
      env:
        - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
        - { name: NODE_IP, valueFrom: { fieldRef: { fieldPath: status.hostIP } } }
      securityContext:
        {{- include "sekisho.containerSecurityContext" (dict) | nindent 8 }}
      resources:
        {{- toYaml $root.Values.tests.resources | nindent 8 }}
      volumeMounts:
        - { name: jobs, mountPath: /opt/sekisho/jobs, readOnly: true }
  volumes:
    - name: jobs
      configMap: { name: {{ include "sekisho.fullname" $root }}-test }
    {{- if .dnsFilter }}
    {{- include "sekisho.dnsFilterVolume" . | nindent 4 }}
    - name: files
      configMap: { name: {{ include "sekisho.fullname" $root }}-fetcher-files }
    {{- end }}
{{- end -}}

{{/* What test-report.ts calls a TestPlan. */}}
{{- define "sekisho.testPlan" -}}
{{- $closed := list (dict "what" "the fetcher" "host" (include "sekisho.serviceHost" (dict "root" . "component" "fetcher")) "port" 8081) -}}
{{- if .Values.redis.evaluation.enabled -}}
{{- range list "state" "work" -}}
{{- $closed = append $closed (dict "what" (printf "the %s Redis" .) "host" (include "sekisho.serviceHost" (dict "root" $ "component" (printf "redis-%s" .))) "port" 6379) -}}
{{- end -}}
{{- end -}}
{{- $plan := dict
  "publicUrl" (printf "%s/" (include "sekisho.publicUrl" .))
  "gateway" (dict "what" "the gateway" "host" (include "sekisho.serviceHost" (dict "root" . "component" "gateway")) "port" (int .Values.gateway.service.port))
  "gatewayPods" (dict "host" (include "sekisho.serviceHost" (dict "root" . "component" "gateway-pods")) "port" 8080 "opsPort" 9090)
  "replicas" (include "sekisho.replicasMin" .Values.gateway | int)
  "unknownDomain" .Values.tests.unknownDomain
  "clusterDomain" .Values.cluster.domain
  "closed" $closed -}}
{{- with .Values.egressProxy -}}
{{- if .enabled -}}
{{- $_ := set $plan "egressProxy" (dict "what" "the egress-proxy" "host" (include "sekisho.serviceHost" (dict "root" $ "component" "egress-proxy")) "port" 3128 "hasCredentials" (not (empty .credentials.existingSecret))) -}}
{{- end -}}
{{- end -}}
{{- if .Values.dnsFilter.enabled }}{{ $_ := set $plan "dnsFilter" (dict "what" "the DNS filter" "host" "127.0.0.1" "port" 5353) }}{{ end -}}
{{- toJson $plan -}}
{{- end -}}
