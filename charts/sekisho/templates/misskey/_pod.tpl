{{/* Pod of web, queue and migration. Arguments: root, component, values (its block), args, configMap (name); optional: env,
     drive (true: with Misskey's files), ports, probes (text), hook (true: before the release's own objects exist). */}}
{{- define "sekisho.misskeyPod" -}}
{{- $managed := .root.Values.misskey.managed -}}
{{- $name := printf "%s-%s" (include "sekisho.fullname" .root) .component -}}
{{- $account := ternary "" $name (.hook | default false) -}}
{{- $env := merge (dict "NODE_ENV" "production" "TMPDIR" "/tmp" "HOME" "/tmp") (.env | default dict) -}}
{{- /* Misskey's own user: its image's files belong to uid 991, below the 10000 of everything else here. `restricted` asks
      for any user but root; a user namespace (hostUsers: false) gives it a high one on the node. */}}
{{- include "sekisho.podDefaults" (dict "root" .root "values" .values "component" .component "serviceAccountName" $account "uid" $managed.uid) }}
initContainers:
  - name: config
    image: {{ include "sekisho.image" (dict "root" .root "image" .root.Values.gateway.image) | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [/usr/local/bin/node, /opt/sekisho/jobs/misskey-config.ts, /opt/sekisho/jobs/misskey.json]
    securityContext:
      {{- include "sekisho.containerSecurityContext" (dict) | nindent 6 }}
    resources:
      requests: { cpu: 10m, memory: 64Mi }
      limits: { memory: 128Mi }
    volumeMounts:
      - { name: jobs, mountPath: /opt/sekisho/jobs, readOnly: true }
      - { name: secrets, mountPath: /run/secrets/misskey, readOnly: true }
      - { name: config, mountPath: /run/misskey }
containers:
  - name: misskey
    image: {{ include "sekisho.image" (dict "root" .root "image" $managed.image) | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    {{- /* Without `command`: the image's entry point, tini, hands signals on and reaps children. */}}
    args: {{ toJson .args }}
    workingDir: {{ $managed.workingDir }}
    securityContext:
      {{- include "sekisho.containerSecurityContext" (dict "writableRoot" (not $managed.readOnlyRootFilesystem)) | nindent 6 }}
    env:
      {{- include "sekisho.env" (dict "own" $env "extra" .values.extraEnv) | nindent 6 }}
    {{- with .ports }}
    ports:
      {{- range $port, $number := . }}
      - { name: {{ $port }}, containerPort: {{ $number }} }
      {{- end }}
    {{- end }}
    {{- with .probes }}
    {{- . | nindent 4 }}
    {{- end }}
    resources:
      {{- toYaml .values.resources | nindent 6 }}
    volumeMounts:
      {{- if eq $managed.configFormat "json" }}
      - { name: config, mountPath: {{ $managed.home }}/built/._config_.json, subPath: config.json, readOnly: true }
      {{- end }}
      - { name: config, mountPath: {{ $managed.home }}/.config/default.yml, subPath: default.yml, readOnly: true }
      - { name: tmp, mountPath: /tmp }
      {{- if .drive }}
      - { name: files, mountPath: {{ $managed.home }}/files }
      {{- end }}
volumes:
  - name: jobs
    configMap: { name: {{ .configMap }} }
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- range $at, $entry := include "sekisho.misskeySecrets" .root | fromJsonArray }}
        - secret: { name: {{ $entry.secret }}, items: [{ key: {{ $entry.key | quote }}, path: "{{ $at }}" }] }
        {{- end }}
  # Passwords: in memory, and gone with the pod.
  - name: config
    emptyDir: { medium: Memory, sizeLimit: 1Mi }
  # Uploads pass through here before they reach the drive.
  - name: tmp
    emptyDir: { sizeLimit: 2Gi }
  {{- if .drive }}
  - name: files
    {{- if eq $managed.drive.kind "pvc" }}
    persistentVolumeClaim:
      claimName: {{ default (printf "%s-misskey-files" (include "sekisho.fullname" .root)) $managed.drive.existingClaim }}
    {{- else }}
    # Only what Misskey writes here by mistake: its drive is an object storage.
    emptyDir: { sizeLimit: 64Mi }
    {{- end }}
  {{- end }}
{{- end -}}

{{/* Arguments: root, component, values, only (name of the variable that leaves out the other half), ports, probes. */}}
{{- define "sekisho.misskeyDeployment" -}}
{{- $managed := .root.Values.misskey.managed -}}
{{- $name := printf "%s-%s" (include "sekisho.fullname" .root) .component -}}
{{- $data := include "sekisho.misskeyConfigData" .root -}}
{{- $env := dict .only "1" -}}
{{- if not $managed.clustering }}{{ $_ := set $env "MK_DISABLE_CLUSTERING" "1" }}{{ end -}}
{{- $drive := $managed.drive -}}
{{- $oneNode := and (eq $drive.kind "pvc") (not $drive.existingClaim) (eq $drive.accessMode "ReadWriteOnce") -}}
{{- $values := deepCopy .values -}}
{{- if $oneNode -}}
{{- /* Both halves use the volume, so both go where the other is; the label is on both, so that the first may go anywhere. */ -}}
{{- $with := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (dict "sekisho/drive" .root.Release.Name)) -}}
{{- $_ := set $values "affinity" (mergeOverwrite (dict "podAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list $with))) (.values.affinity | default dict)) -}}
{{- end -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" . | nindent 4 }}
spec:
  replicas: {{ int .values.replicas }}
  revisionHistoryLimit: 5
  {{- if .minReadySeconds }}
  minReadySeconds: {{ .minReadySeconds }}
  {{- end }}
  strategy:
    {{- if $oneNode }}
    # The volume can be mounted on one node only, and a new pod might land on another.
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
    {{- end }}
  selector:
    matchLabels:
      {{- include "sekisho.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "sekisho.labels" . | nindent 8 }}
        {{- if $oneNode }}
        sekisho/drive: {{ .root.Release.Name | quote }}
        {{- end }}
      annotations:
        checksum/config: {{ sha256sum $data }}
        {{- with merge (dict) (.values.podAnnotations | default dict) (.root.Values.podAnnotations | default dict) }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "sekisho.misskeyPod" (dict
        "root" .root "component" .component "values" $values "env" $env "drive" true "ports" .ports "probes" .probes
        "args" $managed.args "configMap" (printf "%s-misskey" (include "sekisho.fullname" .root))) | nindent 6 }}
{{- end -}}

{{/* /healthz asks the database and five Redis clients: right for readiness, wrong for liveness, or a pause of the
      database would restart every Misskey in the middle of it. */}}
{{- define "sekisho.misskeyWebProbes" -}}
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: {{ max 1 (div (int .startupSeconds) 3) }}
readinessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
livenessProbe:
  tcpSocket: { port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
