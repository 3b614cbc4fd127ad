{{/* Pod Security `restricted`, and more: a fixed high uid, so that a file of the node never belongs to us by chance.
     Optional: uid, for an image that needs another one. */}}
{{- define "sekisho.podSecurityContext" -}}
{{- $uid := int (default 10001 .uid) -}}
runAsNonRoot: true
runAsUser: {{ $uid }}
runAsGroup: {{ $uid }}
fsGroup: {{ $uid }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Every container of the chart. appArmorProfile stays unset unless values name one: unset is the runtime's default
     profile where the node has AppArmor, while naming any profile makes the pod fail where it has not.
     Optional: writableRoot, true for a program that cannot do without; sandbox, with the profiles of a container of its
     own. They stand here and not at the pod, so that a sidecar that somebody injects keeps the runtime's profiles. */}}
{{- define "sekisho.containerSecurityContext" -}}
{{- $sandbox := .sandbox | default dict -}}
{{- $seccomp := $sandbox.seccomp | default dict -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: {{ not .writableRoot }}
runAsNonRoot: true
seccompProfile:
  type: {{ default "RuntimeDefault" $seccomp.type }}
  {{- with $seccomp.localhostProfile }}
  localhostProfile: {{ . | quote }}
  {{- end }}
{{- with ($sandbox.appArmor | default dict).localhostProfile }}
appArmorProfile:
  type: Localhost
  localhostProfile: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* What every pod of the chart has in common. Arguments: root, values (the component's block); optional: component (where
     the block has a topology spread), serviceAccountName, uid. */}}
{{- define "sekisho.podDefaults" -}}
{{- $values := .values -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with (.root.Values.global | default dict).imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "sekisho.podSecurityContext" . | nindent 2 }}
{{- if not (kindIs "invalid" $values.hostUsers) }}
hostUsers: {{ $values.hostUsers }}
{{- end }}
{{- with $values.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ int . }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $spread := $values.topologySpread | default dict }}
{{- if $spread.enabled }}
topologySpreadConstraints:
  - topologyKey: {{ $spread.topologyKey }}
    maxSkew: {{ int $spread.maxSkew }}
    whenUnsatisfiable: {{ $spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "sekisho.selectorLabels" . | nindent 8 }}
    # Counts the pods of one revision only: those of the old one leave a rollout lopsided.
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}
