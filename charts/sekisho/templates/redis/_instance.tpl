{{/* Two instances to try Sekisho out. Each knows only the users of its role: a worker that is taken over has no name on
     the state instance. Arguments: root, role (state or work). */}}

{{- define "sekisho.redisEvaluationNote" -}}
sekisho/evaluation: "not for production: one replica, no persistence; what it holds is lost with the pod"
{{- end -}}

{{- define "sekisho.redisDeployment" -}}
{{- $component := printf "redis-%s" .role -}}
{{- $name := printf "%s-%s" (include "sekisho.fullname" .root) $component -}}
{{- $labels := dict "root" .root "component" $component -}}
{{- $values := .root.Values.redis.evaluation -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" $labels | nindent 4 }}
  annotations:
    {{- include "sekisho.redisEvaluationNote" . | nindent 4 }}
spec:
  replicas: 1
  revisionHistoryLimit: 2
  # Never two: half of the services would ask the one, half the other.
  strategy: { type: Recreate }
  selector:
    matchLabels:
      {{- include "sekisho.selectorLabels" $labels | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "sekisho.labels" $labels | nindent 8 }}
      annotations:
        {{- include "sekisho.redisEvaluationNote" . | nindent 8 }}
        # Users are read at the start only; the Job has written them before.
        checksum/users: {{ .root.Files.Get "files/redis/users.acl" | sha256sum }}
        {{- with .root.Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "sekisho.podDefaults" (dict "root" .root "values" $values "serviceAccountName" $name) | nindent 6 }}
      containers:
        - name: redis
          image: {{ include "sekisho.image" (dict "root" .root "image" $values.image) | quote }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          {{- /* The image's own entry point would change to a user of its own, which needs root. Protected mode guards a
                default user without a password; here that user is off. */}}
          command:
            - {{ $values.command | quote }}
            - --port
            - "6379"
            - --protected-mode
            - "no"
            - --aclfile
            - /run/secrets/sekisho/redis/users.acl
            - --save
            - ""
            - --appendonly
            - "no"
            - --maxmemory
            - {{ include "sekisho.text" $values.maxmemory | quote }}
            - --maxmemory-policy
            - noeviction
          workingDir: /tmp
          securityContext:
            {{- include "sekisho.containerSecurityContext" (dict) | nindent 12 }}
          ports:
            - { name: redis, containerPort: 6379 }
          {{- /* A TCP connection, not PING: that would need one more user, with its password in a container that is
                reached over the network. Without persistence there is no loading that PING would show. */}}
          startupProbe:
            tcpSocket: { port: redis }
            periodSeconds: 1
            failureThreshold: 30
          readinessProbe:
            tcpSocket: { port: redis }
            periodSeconds: 5
          livenessProbe:
            tcpSocket: { port: redis }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - { name: redis, mountPath: /run/secrets/sekisho/redis, readOnly: true }
            - { name: tmp, mountPath: /tmp }
      volumes:
        - name: redis
          secret:
            secretName: {{ include "sekisho.redisSecretName" . }}
            defaultMode: 0440
            # Only the hashes: the passwords are none of this pod's business.
            items: [{ key: users.acl, path: users.acl }]
        - name: tmp
          emptyDir: { sizeLimit: 16Mi }
{{- end -}}

{{- define "sekisho.redisService" -}}
{{- $component := printf "redis-%s" .role -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "sekisho.fullname" .root }}-{{ $component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sekisho.labels" (dict "root" .root "component" $component) | nindent 4 }}
  annotations:
    {{- include "sekisho.redisEvaluationNote" . | nindent 4 }}
spec:
  type: ClusterIP
  {{- with .root.Values.cluster.ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
  {{- end }}
  selector:
    {{- include "sekisho.selectorLabels" (dict "root" .root "component" $component) | nindent 4 }}
  ports:
    - { name: redis, port: 6379, targetPort: redis }
{{- end -}}
