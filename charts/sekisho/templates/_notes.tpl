{{/* What the chosen values leave open, one line each. Nothing here may claim what this version does not do. */}}
{{- define "sekisho.notes.unprotected" -}}
{{- if not .Values.networkPolicy.enabled }}
networkPolicy.enabled is false: any pod of the cluster reaches these pods, and they reach everything; the fetcher's own check is the only wall against requests to private addresses.
{{- else }}
NetworkPolicies count only where the cluster's network enforces them, and a network that does not is silent: run helm test.
{{- if not .Values.networkPolicy.ingressFrom }}
networkPolicy.ingressFrom is empty: everyone who can route to the gateway's pods may use its public port.
{{- end }}
{{- if not .Values.networkPolicy.monitoringFrom }}
networkPolicy.monitoringFrom is empty: the ops ports are closed to Prometheus too, nobody sees metrics.
{{- end }}
{{- end }}
{{- if not .Values.cluster.denyCIDRs }}
cluster.denyCIDRs is empty: pod, Service, node and load balancer ranges that are private are refused as targets, public ones are not.
{{- end }}
{{- $sandbox := .Values.imageWorker.sandbox }}
{{- if ne (toString (default $sandbox.mode (index .Values.imageWorker.extraEnv "SEKISHO_SANDBOX"))) "require" }}
imageWorker.sandbox.mode is best-effort: where a kernel has no Landlock or no seccomp, a decoder that is taken over finds files and connections of the image-worker. Its log and the metric sekisho_image_worker_sandbox_layer name the walls that are missing.
{{- end }}
{{- if eq $sandbox.seccomp.type "RuntimeDefault" }}
imageWorker.sandbox.seccomp.type is RuntimeDefault: the weaker of two profiles around the image-worker, whose decoders have a filter of their own under both. The chart's own one has to be put onto the nodes: docs/sandbox.md.
{{- end }}
{{- if not $sandbox.appArmor.localhostProfile }}
imageWorker.sandbox.appArmor.localhostProfile is empty: no AppArmor profile of Sekisho stands around image-worker and decoders, at most the container runtime's default one. For nodes that have AppArmor: docs/sandbox.md.
{{- end }}
Pages of Misskey pass as they are: this version sets no Content-Security-Policy for them.
{{- $inbox := .Values.gateway.inbox }}
{{- if eq $inbox.mode "observe" }}
gateway.inbox.mode is observe: forged and abusive activities are logged and reach Misskey all the same, but for what would hang it.
{{- else if eq $inbox.mode "enqueue" }}
gateway.inbox.mode is enqueue: the gateway writes into Misskey's job queue. Give its user no more than k8s/redis/misskey-queue.acl does.
{{- end }}
{{- if not $inbox.verify.enabled }}
gateway.inbox.verify.enabled is false: an activity whose claims agree passes, and whether its signature is genuine is checked by Misskey alone.
{{- else if eq $inbox.verify.unavailable "pass" }}
gateway.inbox.verify.unavailable is pass: while a sender's key cannot be had, Misskey alone checks its signatures.
{{- end }}
{{- if eq $inbox.ldSignatures "pass" }}
gateway.inbox.ldSignatures is pass: activities that somebody else delivers are not judged by the strict rules for their signatures.
{{- end }}
{{- if eq .Values.misskey.mode "managed" }}
{{- if .Values.misskey.unprotectedEgress.enabled }}
misskey.unprotectedEgress.enabled: Misskey may connect to public addresses itself, and nothing inspects these connections.
{{- end }}
{{- if .Values.misskey.managed.proxy }}
Misskey's own requests go through {{ .Values.misskey.managed.proxy }}, and Misskey checks no address itself then: that proxy must refuse private ones.
{{- else if not (or .Values.egressProxy.enabled .Values.misskey.unprotectedEgress.enabled) }}
Misskey federates with nobody: its way out is closed. Set egressProxy.enabled: true, or name a proxy of yours in misskey.managed.proxy.
{{- end }}
{{- if not .Values.misskey.managed.setupPassword.existingSecret }}
misskey.managed.setupPassword is not set: whoever opens a fresh instance first becomes its administrator.
{{- end }}
{{- else }}
{{- if .Values.egressProxy.enabled }}
Misskey runs elsewhere: its own requests (federation, link previews, uploads from a URL) go through the egress-proxy only once its configuration says so and a policy of yours closes every other way out; no policy here keeps others from its port. Let only the gateway reach it.
{{- else }}
Misskey runs elsewhere: its own requests (federation, link previews, uploads from a URL) are not inspected, and no policy here keeps others from its port. Let only the gateway reach it.
{{- end }}
{{- end }}
{{- if not .Values.dnsFilter.enabled }}
dnsFilter.enabled is false: names that lead to private addresses are refused by the services' own check and by the policies only.
{{- end }}
{{- if and .Values.egressProxy.enabled (eq .Values.egressProxy.mode "report") }}
egressProxy.mode is report: ports, host lists and TLS are logged, not enforced. Addresses are.
{{- end }}
{{- if .Values.redis.evaluation.enabled }}
redis.evaluation.enabled: two small Redis instances without persistence and replicas. What they hold is lost with the pod; for production set redis.state and redis.work.
{{- end }}
{{- if and (not .Values.secrets.existingSecret) .Values.secrets.generate.enabled }}
The keys in the Secret {{ include "sekisho.keysSecretName" . }} were made by the chart and stay when the release is removed; whoever reads Secrets of this namespace has them.
{{- end }}
{{- if eq .Values.fetcher.plainHttp "allow" }}
fetcher.plainHttp is allow: anybody on the way can read and change pictures that come by http.
{{- end }}
{{- range .Values.gateway.trustedProxies }}
{{- if eq . "private" }}
gateway.trustedProxies holds the preset private: whoever reaches the gateway from a private address can pretend to be any client. Better name the proxy's own addresses.
{{- else if lt (int (last (splitList "/" .))) (ternary 32 12 (contains ":" .)) }}
gateway.trustedProxies holds {{ . }}: whoever reaches the gateway from there can pretend to be any client.
{{- end }}
{{- end }}
{{- if not (or .Values.gateway.trustedProxies .Values.gateway.trustedProxiesConfigMap) }}
gateway.trustedProxies is empty: the address of a connection counts as the client's. With a proxy in front all users share one budget; set gateway.behindProxy then.
{{- end }}
{{- if eq .Values.gateway.mediaAccess "open" }}
gateway.mediaAccess is open: any page on the web may show media through this instance, within the budgets.
{{- end }}
{{- if hasPrefix "http://" .Values.publicUrl }}
publicUrl is plain http: passwords and sessions of users can be read on the way.
{{- else if and .Values.ingress.enabled (not .Values.ingress.tlsSecretName) }}
ingress.tlsSecretName is empty: TLS must be set up in the ingress controller or before it.
{{- end }}
{{- range $name, $service := include "sekisho.services" . | fromJson }}
{{- if lt (int (include "sekisho.replicasMin" $service)) 2 }}
{{ $name }} has a single replica: it is away while its pod moves, and nothing keeps a drain from ending it.
{{- end }}
{{- end }}
{{- end -}}
