{{/* Objects that every service of ours has in the same shape. Common arguments: root, component and, but for the
     ServiceAccount, values (its block). */}}

{{/* Number of replicas that there are at least. Argument: the component's block; Misskey's have no autoscaling. */}}
{{- define "sekisho.replicasMin" -}}
{{- if (.autoscaling | default dict).enabled }}{{ int .autoscaling.minReplicas }}{{ else }}{{ int .replicas }}{{ end -}}
{{- end -}}

{{- define "sekisho.podAnnotations" -}}
{{- $all := merge (dict) (.values.podAnnotations | default dict) (.root.Values.podAnnotations | default dict) -}}
{{- if .root.Values.monitoring.scrapeAnnotations -}}
{{- $all = merge $all (dict "prometheus.io/scrape" "true" "prometheus.io/port" "9090" "prometheus.io/path" "/metrics") -}}
{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end -}}

{{/* Startup waits for /readyz (its own state loaded), liveness asks only whether the process answers. Neither looks at
     Redis or Misskey: a blink of those would take every replica out at once. Optional: opsPort (name of the port). */}}
{{- define "sekisho.probes" -}}
startupProbe:
  httpGet: { path: /readyz, port: {{ default "ops" .opsPort }} }
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /readyz, port: {{ default "ops" .opsPort }} }
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /healthz, port: {{ default "ops" .opsPort }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}

{{/* Further arguments: ports (name to number), env (name to value), secrets (list of {name, secret, items}: each a directory
     below /run/secrets/sekisho with the items that the pod needs), files (list of {name, configMap, path}: directories,
     never a subPath, which the kubelet would not update; the first of them has deny-cidrs.txt where dnsFilter is true: the
     filter then runs beside the service). */}}
{{- define "sekisho.deployment" -}}
{{- $name := printf "%s-%s" (include "sekisho.fullname" .root) .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" . | nindent 4 }}
spec:
  {{- if not .values.autoscaling.enabled }}
  replicas: {{ int .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  selector:
    matchLabels:
      {{- include "sekisho.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "sekisho.labels" . | nindent 8 }}
      {{- with include "sekisho.podAnnotations" . }}
      annotations:
        {{- . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "sekisho.podDefaults" (dict "root" .root "values" .values "component" .component "serviceAccountName" $name) | nindent 6 }}
      {{- if .dnsFilter }}
      {{- $files := first .files }}
      initContainers:
        {{- include "sekisho.dnsFilterContainer" (dict "root" .root "files" $files.name "filesPath" $files.path) | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          {{- include "sekisho.container" . | nindent 10 }}
      volumes:
        - name: tmp
          emptyDir: { sizeLimit: 64Mi }
        {{- if .dnsFilter }}
        {{- include "sekisho.dnsFilterVolume" . | nindent 8 }}
        {{- end }}
        {{- range .secrets }}
        - name: {{ .name }}
          secret:
            secretName: {{ .secret }}
            defaultMode: 0440
            items:
              {{- range .items }}
              - { key: {{ . }}, path: {{ . }} }
              {{- end }}
        {{- end }}
        {{- range .files }}
        - name: {{ .name }}
          configMap: { name: {{ .configMap }} }
        {{- end }}
{{- end -}}

{{- define "sekisho.container" -}}
image: {{ include "sekisho.image" (dict "root" .root "image" .values.image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- include "sekisho.containerSecurityContext" (dict "sandbox" .sandbox) | nindent 2 }}
ports:
  {{- range $name, $port := .ports }}
  - { name: {{ $name }}, containerPort: {{ $port }} }
  {{- end }}
env:
  {{- include "sekisho.env" (dict "own" .env "extra" .values.extraEnv) | nindent 2 }}
{{ include "sekisho.probes" . }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  {{- range .secrets }}
  - name: {{ .name }}
    mountPath: /run/secrets/sekisho/{{ .name }}
    readOnly: true
  {{- end }}
  {{- range .files }}
  - { name: {{ .name }}, mountPath: {{ .path }}, readOnly: true }
  {{- end }}
{{- end -}}

{{/* An identity of its own without any right, and no token of it in the pod. */}}
{{- define "sekisho.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "sekisho.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end -}}

{{/* Only for two replicas or more: with one it would block the draining of a node for ever. A pod that is not ready may
     always be evicted: it serves nobody. */}}
{{- define "sekisho.podDisruptionBudget" -}}
{{- if and .values.podDisruptionBudget.enabled (gt (int (include "sekisho.replicasMin" .values)) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "sekisho.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "sekisho.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{- define "sekisho.horizontalPodAutoscaler" -}}
{{- if .values.autoscaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "sekisho.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "sekisho.fullname" .root }}-{{ .component }}
  minReplicas: {{ int .values.autoscaling.minReplicas }}
  maxReplicas: {{ int .values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int .values.autoscaling.targetCPUUtilizationPercentage }}
{{- end -}}
{{- end -}}
