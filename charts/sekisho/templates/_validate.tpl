{{/* Cross-field rules, all problems at once. Included once, from a template that always renders. */}}
{{- define "sekisho.validate" -}}
{{- $problems := list -}}
{{- if not .Values.publicUrl -}}
{{- $problems = append $problems "publicUrl is not set: write the URL of the instance as users see it, for example --set publicUrl=https://social.example" -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nThe values of Sekisho need a change:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}
