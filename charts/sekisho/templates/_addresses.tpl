{{/* Address ranges at render time. A range becomes its family and its leading bits as text ("4:00001010" is 10.0.0.0/8),
     so that one range lies within another exactly when the other's text begins its own. */}}

{{/* Family and leading bits of an address or a range. Fails with a sentence for anything else, for host bits (a slip of
     the length opens or closes more than was meant) and for IPv4 written as IPv6 (a block of the other family).
     Arguments: cidr, value (name of the value, for the sentence). */}}
{{- define "sekisho.cidrBits" -}}
{{- $text := toString .cidr | lower -}}
{{- $bad := printf "%s: %q is no address range: write for example 198.51.100.0/24 or 2001:db8::/32" .value $text -}}
{{- $parts := splitList "/" $text -}}
{{- $address := first $parts -}}
{{- $bits := "" -}}
{{- if regexMatch "^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$" $address -}}
{{- range splitList "." $address }}{{ $bits = printf "%s%08b" $bits (int64 .) }}{{ end -}}
{{- else if and (contains ":" $address) (contains "." $address) -}}
{{- fail (printf "%s: %q holds an IPv4 address in an IPv6 one: write the IPv4 address itself" .value $text) -}}
{{- else -}}
{{- $bits = include "sekisho.ipv6Bits" $address -}}
{{- end -}}
{{- $width := len $bits -}}
{{- $length := $width -}}
{{- if eq (len $parts) 2 -}}
{{- if not (regexMatch "^(0|[1-9][0-9]{0,2})$" (last $parts)) }}{{ fail $bad }}{{ end -}}
{{- $length = int (last $parts) -}}
{{- end -}}
{{- if or (eq $width 0) (gt (len $parts) 2) (gt $length $width) }}{{ fail $bad }}{{ end -}}
{{- if hasPrefix (printf "%s%s" (repeat 80 "0") (repeat 16 "1")) $bits -}}
{{- fail (printf "%s: %q holds an IPv4 address in an IPv6 one: write the IPv4 address itself" .value $text) -}}
{{- end -}}
{{- if contains "1" (substr $length $width $bits) -}}
{{- fail (printf "%s: %q has bits set behind its length of %d: write the first address of the range" .value $text $length) -}}
{{- end -}}
{{- printf "%d:%s" (ternary 4 6 (eq $width 32)) (substr 0 $length $bits) -}}
{{- end -}}

{{/* 128 bits, or nothing when it is no IPv6 address in hexadecimal groups. Argument: the text in lower case. */}}
{{- define "sekisho.ipv6Bits" -}}
{{- $halves := splitList "::" . -}}
{{- $groups := list -}}
{{- range $at, $half := $halves -}}
{{- if eq $at 1 -}}{{ $groups = append $groups "::" }}{{- end -}}
{{- if $half }}{{ $groups = concat $groups (splitList ":" $half) }}{{ end -}}
{{- end -}}
{{- $gap := sub 9 (len $groups) -}}
{{- $short := eq (len $halves) 2 -}}
{{- $bits := "" -}}
{{- $valid := ternary (ge $gap 1) (eq (len $groups) 8) $short -}}
{{- if gt (len $halves) 2 }}{{ $valid = false }}{{ end -}}
{{- if $valid -}}
{{- range $groups -}}
{{- if eq . "::" -}}
{{- $bits = printf "%s%s" $bits (repeat (int (mul 16 $gap)) "0") -}}
{{- else if regexMatch "^[0-9a-f]{1,4}$" . -}}
{{- $bits = printf "%s%016b" $bits (int64 (printf "0x%s" .)) -}}
{{- else -}}
{{- $valid = false -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $valid }}{{ $bits }}{{ end -}}
{{- end -}}

{{/* The range with its length. Arguments: cidr, value. */}}
{{- define "sekisho.cidr" -}}
{{- $bits := include "sekisho.cidrBits" . -}}
{{- $text := toString .cidr | lower -}}
{{- if contains "/" $text }}{{ $text }}{{ else }}{{ printf "%s/%d" $text (sub (len $bits) 2) }}{{ end -}}
{{- end -}}

{{/* Egress rule to public addresses: the blocks of the address table, without unsafe.publicCIDRs, with cluster.denyCIDRs
     and egress.extraBlockedCIDRs, and a block for each of cluster.nat64Prefixes. Denied wins over unsafe, as in the fetcher.
     Empty when everything is denied: a rule without a block would open all. Arguments: root, ports. */}}
{{- define "sekisho.toPublic" -}}
{{- $root := .root -}}
{{- $table := $root.Files.Get "files/addresses/public.yaml" | fromYaml -}}
{{- $rows := dict -}}
{{- range concat $table.ipv4.except $table.ipv6.except -}}
{{- $_ := set $rows (include "sekisho.cidrBits" (dict "cidr" . "value" "files/addresses/public.yaml")) . -}}
{{- end -}}
{{- range (ternary $root.Values.unsafe.publicCIDRs (list) $root.Values.unsafe.iUnderstand) -}}
{{- $bits := include "sekisho.cidrBits" (dict "cidr" . "value" "unsafe.publicCIDRs") -}}
{{- if not (hasKey $rows $bits) -}}
{{- fail (printf "unsafe.publicCIDRs: %q is no row of the address table, or stands here twice. Possible are: %s" (toString .) (values $rows | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $_ := unset $rows $bits -}}
{{- end -}}
{{- range $value, $list := dict "cluster.denyCIDRs" $root.Values.cluster.denyCIDRs "egress.extraBlockedCIDRs" $root.Values.egress.extraBlockedCIDRs -}}
{{- range $list -}}
{{- $given := dict "cidr" . "value" $value -}}
{{- $_ := set $rows (include "sekisho.cidrBits" $given) (include "sekisho.cidr" $given) -}}
{{- end -}}
{{- end -}}
{{- $translated := list -}}
{{- range $root.Values.cluster.nat64Prefixes -}}
{{- $block := include "sekisho.nat64Block" (dict "prefix" . "rows" $rows) | fromJson -}}
{{- if not $block.isDenied }}{{ $translated = append $translated (dict "ipBlock" (dict "cidr" $block.cidr "except" $block.except)) }}{{ end -}}
{{- end -}}
{{- /* Only then: a translator's prefix within 2000::/3 is what its own block says. */ -}}
{{- range $root.Values.cluster.nat64Prefixes -}}
{{- $given := dict "cidr" . "value" "cluster.nat64Prefixes" -}}
{{- $_ := set $rows (include "sekisho.cidrBits" $given) (include "sekisho.cidr" $given) -}}
{{- end -}}
{{- $blocks := list -}}
{{- range $block := list $table.ipv4 $table.ipv6 -}}
{{- $except := include "sekisho.exceptions" (dict "cidr" $block.cidr "rows" $rows) | fromJsonArray -}}
{{- if not (has $block.cidr $except) -}}
{{- $blocks = append $blocks (dict "ipBlock" (dict "cidr" $block.cidr "except" $except)) -}}
{{- end -}}
{{- end -}}
{{- $blocks = concat $blocks $translated -}}
{{- if and $blocks .ports }}{{ include "sekisho.egressRule" (dict "peers" $blocks "ports" .ports) }}{{ end -}}
{{- end -}}

{{/* The rows within a block in order of address, none inside another, as JSON; the block itself alone when one row holds
     all of it. Arguments: cidr, rows (bits to text). */}}
{{- define "sekisho.exceptions" -}}
{{- $block := include "sekisho.cidrBits" (dict "cidr" .cidr "value" "files/addresses/public.yaml") -}}
{{- $except := list -}}
{{- $last := "none" -}}
{{- range $bits := keys .rows | sortAlpha -}}
{{- if hasPrefix $bits $block -}}
{{- $except = list $.cidr -}}
{{- $last = "" -}}
{{- else if and (hasPrefix $block $bits) (not (hasPrefix $last $bits)) -}}
{{- $except = append $except (index $.rows $bits) -}}
{{- $last = $bits -}}
{{- end -}}
{{- end -}}
{{- toJson $except -}}
{{- end -}}
