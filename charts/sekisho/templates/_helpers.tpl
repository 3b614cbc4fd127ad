{{/* Prefix of every object's name. The longest suffix is 18 characters, a Service's name has at most 63. A longer name is
     cut and gets a hash, or two releases that begin alike would share their objects. */}}
{{- define "sekisho.fullname" -}}
{{- $part := default .Chart.Name .Values.nameOverride -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name $part) (contains $part .Release.Name) -}}
{{- $full := default $name .Values.fullnameOverride | trimSuffix "-" -}}
{{- if gt (len $full) 44 -}}
{{- printf "%s-%s" ($full | trunc 35 | trimSuffix "-" | trimSuffix ".") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* Cluster name of a Service of this chart. Arguments: root, component. */}}
{{- define "sekisho.serviceHost" -}}
{{- printf "%s-%s.%s.svc" (include "sekisho.fullname" .root) .component .root.Release.Namespace -}}
{{- end -}}

{{/* Arguments: root, component. */}}
{{- define "sekisho.selectorLabels" -}}
app.kubernetes.io/name: sekisho
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Arguments: root, component (may be left out for what belongs to the whole release). The chart's own labels win:
     selectors and policies stand on them. */}}
{{- define "sekisho.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" "sekisho"
  "app.kubernetes.io/instance" .root.Release.Name
  "app.kubernetes.io/version" (.root.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" "sekisho" -}}
{{- if .component }}{{ $_ := set $own "app.kubernetes.io/component" .component }}{{ end -}}
{{- $given := merge (dict) (.root.Values.commonLabels | default dict) ((.root.Values.global | default dict).labels | default dict) -}}
{{- toYaml (merge $own $given) -}}
{{- end -}}

{{/* Annotations of a Job and of all it needs, where it runs before the objects of the release exist: it brings its own, which
     go again once it is done. Argument: weight (text). */}}
{{- define "sekisho.beforeRelease" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* Full reference of an image. Arguments: root, image {repository, tag, digest}. */}}
{{- define "sekisho.image" -}}
{{- $repository := .image.repository -}}
{{- with (.root.Values.global | default dict).imageRegistry -}}
{{- $parts := splitList "/" $repository -}}
{{- $first := first $parts -}}
{{- if and (gt (len $parts) 1) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{- $parts = rest $parts -}}
{{- end -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (join "/" $parts) -}}
{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "sekisho.keysSecretName" -}}
{{- default (printf "%s-keys" (include "sekisho.fullname" .)) .Values.secrets.existingSecret -}}
{{- end -}}

{{/* Arguments: root, role (state or work). */}}
{{- define "sekisho.redisSecretName" -}}
{{- $given := index .root.Values.redis .role "existingSecret" -}}
{{- if .root.Values.redis.evaluation.enabled -}}
{{- printf "%s-redis-%s" (include "sekisho.fullname" .root) .role -}}
{{- else -}}
{{- $given -}}
{{- end -}}
{{- end -}}

{{/* Where the gateway reaches Misskey. */}}
{{- define "sekisho.misskeyUrl" -}}
{{- if eq .Values.misskey.mode "managed" -}}
{{- printf "http://%s:3000" (include "sekisho.serviceHost" (dict "root" . "component" "misskey-web")) -}}
{{- else -}}
{{- .Values.misskey.url | trimSuffix "/" -}}
{{- end -}}
{{- end -}}

{{- define "sekisho.publicUrl" -}}
{{- .Values.publicUrl | trimSuffix "/" -}}
{{- end -}}

{{/* A URL or host:port without scheme, user, path and query. Argument: the text. */}}
{{- define "sekisho.authorityOf" -}}
{{- regexFind "[^@]*$" (regexReplaceAll "[/?#].*$" (regexReplaceAll "^[a-zA-Z][a-zA-Z0-9+.-]*://" (toString .) "") "") -}}
{{- end -}}

{{/* Host of a URL or of host:port, in lower case, without the brackets of an IPv6 address. Argument: the text. */}}
{{- define "sekisho.hostOf" -}}
{{- $rest := include "sekisho.authorityOf" . | lower -}}
{{- if include "sekisho.isIp" $rest -}}
{{- $rest -}}
{{- else if hasPrefix "[" $rest -}}
{{- regexReplaceAll "^\\[([^\\]]*)\\].*$" $rest "${1}" -}}
{{- else -}}
{{- regexReplaceAll ":[0-9]*$" $rest "" -}}
{{- end -}}
{{- end -}}

{{/* Port of a URL or of host:port; empty where it names none. Argument: the text. */}}
{{- define "sekisho.portOf" -}}
{{- $rest := include "sekisho.authorityOf" . -}}
{{- if regexMatch "^(\\[[^\\]]*\\]|[^:]+):[0-9]{1,5}$" $rest -}}
{{- regexFind "[0-9]+$" $rest -}}
{{- end -}}
{{- end -}}

{{/* "true" for host:port, as an address of its own without scheme. Argument: the text. */}}
{{- define "sekisho.isHostPort" -}}
{{- if regexMatch "^(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$" . -}}true{{- end -}}
{{- end -}}

{{/* "true" for an IP address. Argument: the text. */}}
{{- define "sekisho.isIp" -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])" -}}
{{- if or (regexMatch (printf "^(%s\\.){3}%s$" $octet $octet) .) (regexMatch "^[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*$" .) -}}true{{- end -}}
{{- end -}}

{{/* "true" for an address prefix with its length. Argument: the text. */}}
{{- define "sekisho.isCidr" -}}
{{- $parts := splitList "/" (toString .) -}}
{{- if eq (len $parts) 2 -}}
{{- $address := first $parts -}}
{{- $length := last $parts -}}
{{- if and (include "sekisho.isIp" $address) (regexMatch "^[0-9]{1,3}$" $length) -}}
{{- if le (int $length) (ternary 128 32 (contains ":" $address)) -}}true{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
