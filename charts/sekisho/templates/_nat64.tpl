{{/* NAT64 prefixes (RFC 6052) at render time: the translator turns an address of the prefix into the IPv4 address inside it, so
     each IPv4 exception stands once more within the prefix. As text of bits (_addresses.tpl) that is the prefix with the
     IPv4 bits behind it. */}}

{{/* The block of a prefix, as JSON: cidr, except, isDenied. Behind /64 follow eight bits that a translator ignores: they must
     be zero, so that no address with others lies beside the exceptions. Between /32 and /64, and above, they would split
     the exceptions: the validation refuses these. Arguments: prefix; rows (bits to text, without the prefix itself). */}}
{{- define "sekisho.nat64Block" -}}
{{- $prefix := include "sekisho.cidrBits" (dict "cidr" .prefix "value" "cluster.nat64Prefixes") -}}
{{- $start := ternary (printf "%s00000000" $prefix) $prefix (hasSuffix "/64" .prefix) -}}
{{- $cidr := include "sekisho.ipv6Cidr" (trimPrefix "6:" $start) -}}
{{- $rows := dict -}}
{{- range $bits, $text := .rows -}}
{{- if hasPrefix "4:" $bits -}}
{{- $inner := printf "%s%s" $start (trimPrefix "4:" $bits) -}}
{{- $_ := set $rows $inner (include "sekisho.ipv6Cidr" (trimPrefix "6:" $inner)) -}}
{{- else -}}
{{- $_ := set $rows $bits $text -}}
{{- end -}}
{{- end -}}
{{- $except := include "sekisho.exceptions" (dict "cidr" $cidr "rows" $rows) | fromJsonArray -}}
{{- dict "cidr" $cidr "except" $except "isDenied" (has $cidr $except) | toJson -}}
{{- end -}}

{{/* A range in the spelling of RFC 5952, without which the API server warns. Argument: its leading bits. */}}
{{- define "sekisho.ipv6Cidr" -}}
{{- $bits := printf "%s%s" . (repeat (int (sub 128 (len .))) "0") -}}
{{- $groups := list -}}
{{- range $at := until 8 -}}
{{- $value := 0 -}}
{{- range $bit := until 16 -}}
{{- $from := int (add (mul 16 $at) $bit) -}}
{{- $value = add (mul 2 $value) (ternary 1 0 (eq (substr $from (int (add 1 $from)) $bits) "1")) -}}
{{- end -}}
{{- $groups = append $groups (printf "%x" $value) -}}
{{- end -}}
{{- $full := join ":" $groups -}}
{{- $text := $full -}}
{{- /* The longest run of zero groups, the first of several, and none of one. */ -}}
{{- range $length := list 8 7 6 5 4 3 2 -}}
{{- if eq $text $full -}}
{{- $run := regexFind (printf "(^|:)0(:0){%d}(:|$)" (sub $length 1)) $full -}}
{{- if $run -}}
{{- $at := len (first (splitList $run $full)) -}}
{{- $text = printf "%s::%s" (substr 0 $at $full) (substr (int (add $at (len $run))) (len $full) $full) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- printf "%s/%d" $text (len .) -}}
{{- end -}}

{{- define "sekisho.validate.nat64" -}}
{{- range .Values.cluster.nat64Prefixes }}
{{- $length := last (splitList "/" .) }}
{{- if not (and (include "sekisho.isCidr" .) (contains ":" .)) }}
cluster.nat64Prefixes holds {{ . | quote }}: write the prefix of the translator with its length, for example 64:ff9b::/96
{{- else if not (has $length (list "32" "40" "48" "56" "64" "96")) }}
cluster.nat64Prefixes holds {{ . | quote }}: a translator's prefix has a length of 32, 40, 48, 56, 64 or 96 (RFC 6052)
{{- else if and $.Values.networkPolicy.enabled (not (has $length (list "32" "64" "96"))) }}
cluster.nat64Prefixes holds {{ . | quote }}, and a NetworkPolicy can say what is public in it only for /32, /64 and /96: give the translator such a prefix, or set networkPolicy.enabled: false and write policies of your own
{{- else if not (include "sekisho.isNat64" .) }}
cluster.nat64Prefixes holds {{ . | quote }}, where no translator can be: write a prefix of 64:ff9b::/96, 64:ff9b:1::/48, fc00::/7 or 2000::/3
{{- end }}
{{- end }}
{{- end -}}

{{/* "true" for a prefix in a range that a translator may own, with the zero octet that RFC 6052 asks for. What a service
     refuses besides (documentation, 6to4, …) it says at its start. Argument: the text. */}}
{{- define "sekisho.isNat64" -}}
{{- $bits := include "sekisho.cidrBits" (dict "cidr" . "value" "cluster.nat64Prefixes") -}}
{{- $isOwned := false -}}
{{- range list "64:ff9b::/96" "64:ff9b:1::/48" "fc00::/7" "2000::/3" -}}
{{- if hasPrefix (include "sekisho.cidrBits" (dict "cidr" . "value" "cluster.nat64Prefixes")) $bits }}{{ $isOwned = true }}{{ end -}}
{{- end -}}
{{- if and $isOwned (or (lt (len $bits) 74) (eq (substr 66 74 $bits) "00000000")) }}true{{ end -}}
{{- end -}}
