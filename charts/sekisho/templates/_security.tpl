{{/* Pod Security `restricted`, and more: a fixed high uid, so that a file of the node never belongs to us by chance.
     Argument: a dict with `uid` for an image that needs another one; anything else is ignored. */}}
{{- define "sekisho.podSecurityContext" -}}
{{- $uid := 10001 -}}
{{- if kindIs "map" . }}{{ $uid = int (default 10001 (get . "uid")) }}{{ end -}}
runAsNonRoot: true
runAsUser: {{ $uid }}
runAsGroup: {{ $uid }}
fsGroup: {{ $uid }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Every container of the chart. appArmorProfile stays unset: unset is the runtime's default profile where the node
     has AppArmor, while naming any profile makes the pod fail where it has not.
     Argument: a dict with `writableRoot` true for a program that cannot do without; anything else is ignored. */}}
{{- define "sekisho.containerSecurityContext" -}}
{{- $writable := false -}}
{{- if kindIs "map" . }}{{ $writable = eq (get . "writableRoot" | toString) "true" }}{{ end -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: {{ not $writable }}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What every pod of the chart has in common. Arguments: root, values (the component's block); optional: component (for
     the topology spread), serviceAccountName, uid, fixed (true: a pod that no template hash tells apart). */}}
{{- define "sekisho.podDefaults" -}}
{{- $values := .values | default dict -}}
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
  {{- include "sekisho.podSecurityContext" (dict "uid" .uid) | nindent 2 }}
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
{{- if and .component $spread.enabled }}
topologySpreadConstraints:
  - topologyKey: {{ $spread.topologyKey }}
    maxSkew: {{ int $spread.maxSkew }}
    whenUnsatisfiable: {{ $spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "sekisho.selectorLabels" . | nindent 8 }}
    {{- if not .fixed }}
    # Counts the pods of one revision only: those of the old one leave a rollout lopsided.
    matchLabelKeys: [pod-template-hash]
    {{- end }}
{{- end }}
{{- end -}}
