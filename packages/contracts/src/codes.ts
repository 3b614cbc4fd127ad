// The one error table. A code is the metric label, the log field and the heading in docs/reference/errors.md.
// Only `publicCode` and `publicMessage` ever leave an instance: a body or header that differed by internal
// cause would be an oracle about private networks.

export type LogLevel = 'info' | 'warn' | 'error';

/** Codes that strangers may see, in the header Sekisho-Code and in the body. Each has one fixed message. */
export const PUBLIC_CODES = {
  BAD_REQUEST: 'The request is not valid.',
  FORBIDDEN_CLIENT: 'This client may not use the media proxy.',
  FORBIDDEN_TARGET: 'The target may not be fetched.',
  FORBIDDEN_TYPE: 'The type of the file is not allowed.',
  UPSTREAM_REFUSED: 'The remote server refused the request.',
  METHOD_NOT_ALLOWED: 'The method is not allowed.',
  REQUEST_TIMEOUT: 'The request took too long to arrive.',
  SOURCE_TOO_LARGE: 'The remote file is too large.',
  RANGE_NOT_SATISFIABLE: 'The range is not satisfiable.',
  UNDECODABLE: 'The picture cannot be decoded.',
  RATE_LIMITED: 'Too many requests.',
  INTERNAL: 'An internal error occurred.',
  UPSTREAM_FAULT: 'The remote server gave no usable answer.',
  OVERLOADED: 'The service is busy, try again later.',
  TIMEOUT: 'The remote server took too long.',
  LOOP: 'The request loops.',
  ACCEPTED: 'The activity was received.',
  UNAUTHENTICATED: 'The request is not signed in an acceptable way.',
  FORBIDDEN_ACTIVITY: 'The activity is not accepted.',
  INVALID_ACTIVITY: 'The activity is not valid.',
  BODY_TOO_LARGE: 'The body is too large.',
  UNSUPPORTED_TYPE: 'The media type or encoding of the body is not supported.',
  NOT_FOUND: 'There is nothing here.',
} as const;
export type PublicCode = keyof typeof PUBLIC_CODES;

export interface CodeRow {
  /** HTTP status the gateway answers with; 0 where the upstream's own 4xx is mirrored. */
  readonly status: number;
  /** May the same request succeed later without any change? Such answers carry Retry-After. */
  readonly retryable: boolean;
  readonly level: LogLevel;
  readonly publicCode: PublicCode;
  /** What happened and what an administrator can do; goes into docs/reference/errors.md. */
  readonly help: string;
}

const row = (status: number, publicCode: PublicCode, level: LogLevel, help: string): CodeRow => ({
  status,
  publicCode,
  level,
  help,
  retryable: status === 429 || status === 503,
});

export const CODES = {
  // What a client asks.
  SEKISHO_REQUEST_INVALID: row(400, 'BAD_REQUEST', 'info', 'A required part of the request is missing or malformed; the client must be changed.'),
  SEKISHO_REQUEST_URL_INVALID: row(400, 'BAD_REQUEST', 'info', 'The `url` parameter is missing, given twice, too long or no http(s) URL.'),
  SEKISHO_REQUEST_METHOD: row(405, 'METHOD_NOT_ALLOWED', 'info', 'Media routes answer GET, HEAD and OPTIONS only.'),
  SEKISHO_REQUEST_TIMEOUT: row(408, 'REQUEST_TIMEOUT', 'info', 'Headers or body of the client did not arrive in time; slow networks or a slow-loris attack.'),
  SEKISHO_REQUEST_RANGE: row(416, 'RANGE_NOT_SATISFIABLE', 'info', 'The asked range lies outside the file.'),
  SEKISHO_CLIENT_PROXY: row(403, 'FORBIDDEN_CLIENT', 'info', 'The User-Agent is that of another media proxy; proxies must not be chained.'),
  SEKISHO_CLIENT_ACCESS: row(403, 'FORBIDDEN_CLIENT', 'info', '`SEKISHO_MEDIA_ACCESS` is `site` and the request does not come from a page of this instance.'),
  SEKISHO_CLIENT_ORIGIN_MODE: row(403, 'FORBIDDEN_CLIENT', 'info', '`origin` is served only for the instance\'s own files and the configured object storage.'),
  SEKISHO_LOOP: row(508, 'LOOP', 'warn', 'Our own name stands in Via or CDN-Loop, there are too many hops, or the target is this instance. Another proxy points at us.'),
  // What the address policy decides.
  SEKISHO_TARGET_URL: row(403, 'FORBIDDEN_TARGET', 'info', 'The URL holds credentials, a port, a scheme or a host form that is never fetched.'),
  SEKISHO_TARGET_NAME: row(403, 'FORBIDDEN_TARGET', 'info', 'The host is an internal, single-label or reserved name.'),
  SEKISHO_TARGET_ADDRESS: row(403, 'FORBIDDEN_TARGET', 'info', 'The address, or one that the name resolves to, is not public. See SEKISHO_DENY_CIDRS for your own networks.'),
  SEKISHO_TARGET_UNRESOLVED: row(403, 'FORBIDDEN_TARGET', 'info', 'The name does not exist or has no address.'),
  SEKISHO_TARGET_PLAIN_HTTP: row(403, 'FORBIDDEN_TARGET', 'info', 'Plain http is not allowed by SEKISHO_FETCH_PLAIN_HTTP, or a redirect led from https to http.'),
  SEKISHO_TARGET_BLOCKED: row(403, 'FORBIDDEN_TARGET', 'info', 'The host stands in SEKISHO_MEDIA_BLOCKED_HOSTS_FILE.'),
  // What the upstream does.
  SEKISHO_UPSTREAM_STATUS: row(0, 'UPSTREAM_REFUSED', 'info', 'The remote server answered 4xx; the status is mirrored.'),
  SEKISHO_UPSTREAM_FAULT: row(502, 'UPSTREAM_FAULT', 'info', 'The remote server answered 5xx, nothing usable, or broke off.'),
  SEKISHO_UPSTREAM_CONNECT: row(502, 'UPSTREAM_FAULT', 'info', 'No connection to the remote server: refused, reset, unreachable.'),
  SEKISHO_UPSTREAM_TLS: row(502, 'UPSTREAM_FAULT', 'info', 'The certificate or the TLS version of the remote server is not acceptable.'),
  SEKISHO_UPSTREAM_ENCODING: row(502, 'UPSTREAM_FAULT', 'info', 'The Content-Encoding of the remote server is unknown, nested or broken.'),
  SEKISHO_UPSTREAM_REDIRECTS: row(502, 'UPSTREAM_FAULT', 'info', 'More than three redirects, or one without a usable Location.'),
  SEKISHO_UPSTREAM_CHANGED: row(502, 'UPSTREAM_FAULT', 'info', 'A range came from another version of the file than the one known.'),
  SEKISHO_UPSTREAM_TOO_LARGE: row(413, 'SOURCE_TOO_LARGE', 'info', 'The remote file is larger than the limit of its class.'),
  SEKISHO_UPSTREAM_DNS: row(504, 'TIMEOUT', 'info', 'The resolver did not answer in time or failed. Check SEKISHO_DNS_SERVERS if this is frequent.'),
  SEKISHO_UPSTREAM_TIMEOUT: row(504, 'TIMEOUT', 'info', 'The remote server did not deliver within the deadline.'),
  SEKISHO_UPSTREAM_PAUSED: row(503, 'OVERLOADED', 'info', 'The host is paused: it answered 429 or failed repeatedly, or too many fetches to it are running.'),
  SEKISHO_UPSTREAM_RANGE: row(416, 'RANGE_NOT_SATISFIABLE', 'info', 'The remote server answered 416 to the asked range.'),
  // What the bytes are.
  SEKISHO_TYPE_REFUSED: row(403, 'FORBIDDEN_TYPE', 'info', 'The bytes are of no type that is passed on.'),
  SEKISHO_TYPE_NOT_CONVERTIBLE: row(404, 'FORBIDDEN_TYPE', 'info', 'The bytes are of no type that can be transformed in the asked mode.'),
  SEKISHO_TYPE_DOCUMENT: row(403, 'FORBIDDEN_TYPE', 'info', 'A key, an actor or a host list came with another Content-Type than such a document has.'),
  SEKISHO_IMAGE_HEADER: row(422, 'UNDECODABLE', 'info', 'The header of the picture exceeds the pixel or frame limits, or is broken.'),
  SEKISHO_IMAGE_DECODE: row(422, 'UNDECODABLE', 'info', 'The decoder refused the picture.'),
  SEKISHO_IMAGE_FLAT: row(404, 'UNDECODABLE', 'info', 'A badge of this picture would be empty.'),
  SEKISHO_IMAGE_CPU: row(422, 'UNDECODABLE', 'warn', 'The decoder was killed at the CPU limit of one picture.'),
  SEKISHO_IMAGE_WALL: row(422, 'UNDECODABLE', 'warn', 'The decoder was killed at the wall-clock limit of one picture.'),
  SEKISHO_IMAGE_MEMORY: row(422, 'UNDECODABLE', 'warn', 'The picture needs more memory than a decoder may use.'),
  SEKISHO_IMAGE_CRASH: row(422, 'UNDECODABLE', 'warn', 'The decoder died on the picture. Repeated crashes of one host deserve a look.'),
  SEKISHO_IMAGE_PROTOCOL: row(422, 'UNDECODABLE', 'error', 'The decoder broke its pipe protocol: treat it as an attack on the decoder.'),
  SEKISHO_IMAGE_VIOLATION: row(422, 'UNDECODABLE', 'error', 'The decoder made a system call that no decoder makes, and the kernel killed it: treat it as an attack on the decoder.'),
  SEKISHO_IMAGE_RESULT: row(422, 'UNDECODABLE', 'error', 'The result of a worker is not what was asked for: treat it as an attack on the worker.'),
  SEKISHO_IMAGE_SPAWN: row(503, 'OVERLOADED', 'error', 'A decoder process could not be started; check memory and the sandbox of the image-worker.'),
  SEKISHO_IMAGE_SANDBOX: row(503, 'OVERLOADED', 'error', 'A decoder ran without a layer of the sandbox that was asked for, and was killed before it saw a picture. The log line names the layer.'),
  // Limits and dependencies.
  SEKISHO_LIMIT_CLIENT: row(429, 'RATE_LIMITED', 'info', 'The budget of the client is spent.'),
  SEKISHO_LIMIT_NET: row(429, 'RATE_LIMITED', 'info', 'The budget of the client\'s network is spent.'),
  SEKISHO_LIMIT_GLOBAL: row(503, 'OVERLOADED', 'warn', 'The budget of the whole class is spent; more workers or a larger budget are needed.'),
  SEKISHO_LIMIT_LINE: row(503, 'OVERLOADED', 'info', 'The waiting line of the client is full or its entry waited too long.'),
  SEKISHO_LIMIT_QUEUE: row(503, 'OVERLOADED', 'warn', 'The decoders are busy, the head of the lines waited too long.'),
  SEKISHO_LIMIT_BYTES: row(503, 'OVERLOADED', 'warn', 'The byte budget of the work Redis is spent.'),
  SEKISHO_LIMIT_FETCHES: row(503, 'OVERLOADED', 'warn', 'Too many fetches are running at once.'),
  SEKISHO_DEADLINE: row(503, 'OVERLOADED', 'warn', 'The work was not done before its deadline.'),
  SEKISHO_REDIS_AWAY: row(503, 'OVERLOADED', 'error', 'Redis cannot be reached; transforms pause until it is back.'),
  SEKISHO_FETCHER_AWAY: row(503, 'OVERLOADED', 'error', 'The fetcher cannot be reached or broke its contract.'),
  SEKISHO_WORKER_AWAY: row(503, 'OVERLOADED', 'error', 'No image-worker took the job in time.'),
  SEKISHO_MISSKEY_AWAY: row(503, 'OVERLOADED', 'error', 'Misskey cannot be reached.'),
  SEKISHO_SHUTTING_DOWN: row(503, 'OVERLOADED', 'info', 'The process is shutting down.'),
  SEKISHO_ABORTED: row(503, 'OVERLOADED', 'info', 'The client left before the answer was ready.'),
  // Tunnels of the egress-proxy. After the 200 nothing can be answered any more: a tunnel is then reset.
  SEKISHO_EGRESS_REQUEST: row(400, 'BAD_REQUEST', 'info', 'What arrived at the egress-proxy is no HTTP/1.1 request without a body.'),
  SEKISHO_EGRESS_AUTHORITY: row(400, 'BAD_REQUEST', 'info', 'The target of CONNECT is not exactly `host:port`. Unbracketed IPv6 addresses look like this too.'),
  SEKISHO_EGRESS_METHOD: row(405, 'METHOD_NOT_ALLOWED', 'info', 'The egress-proxy answers CONNECT only.'),
  SEKISHO_EGRESS_CREDENTIALS: row(407, 'FORBIDDEN_CLIENT', 'warn', 'No or wrong Basic credentials; they stand in SEKISHO_EGRESS_CREDENTIALS_FILE and in the `proxy` URL of Misskey.'),
  SEKISHO_EGRESS_HEADERS_TIMEOUT: row(408, 'REQUEST_TIMEOUT', 'info', 'The headers of the CONNECT request did not arrive in time.'),
  SEKISHO_EGRESS_HEADERS_SIZE: row(431, 'BAD_REQUEST', 'info', 'The headers of the CONNECT request are larger than 8 KiB.'),
  SEKISHO_EGRESS_PORT: row(403, 'FORBIDDEN_TARGET', 'info', 'Tunnels go to port 443 only. Plain http URLs arrive here as port 80.'),
  SEKISHO_EGRESS_LITERAL: row(403, 'FORBIDDEN_TARGET', 'info', 'The host is an IP address, in whatever spelling; tunnels go to names only.'),
  SEKISHO_EGRESS_NAME: row(403, 'FORBIDDEN_TARGET', 'info', 'The host is an internal, single-label or reserved name, or none that DNS can hold.'),
  SEKISHO_EGRESS_OWN_HOST: row(403, 'FORBIDDEN_TARGET', 'warn', 'The target is this instance itself or one of its Services: a loop.'),
  SEKISHO_EGRESS_ADDRESS: row(403, 'FORBIDDEN_TARGET', 'info', 'An address that the name resolves to is not public. See SEKISHO_DENY_CIDRS for your own networks.'),
  SEKISHO_EGRESS_HOST_DENIED: row(403, 'FORBIDDEN_TARGET', 'info', 'The host stands in SEKISHO_EGRESS_DENY_HOSTS_FILE.'),
  SEKISHO_EGRESS_HOST_NOT_ALLOWED: row(403, 'FORBIDDEN_TARGET', 'info', 'SEKISHO_EGRESS_ALLOW_HOSTS_FILE is set and the host is not in it.'),
  SEKISHO_EGRESS_SMTP_TARGET: row(403, 'FORBIDDEN_TARGET', 'info', 'The SMTP listener reaches only the targets of SEKISHO_EGRESS_SMTP_TARGETS.'),
  SEKISHO_EGRESS_NOT_TLS: row(403, 'FORBIDDEN_TARGET', 'info', 'The client speaks something else than TLS through the tunnel.'),
  SEKISHO_EGRESS_CLIENT_HELLO: row(403, 'FORBIDDEN_TARGET', 'info', 'The ClientHello is malformed, larger than 32 KiB or not alone.'),
  SEKISHO_EGRESS_SNI: row(403, 'FORBIDDEN_TARGET', 'warn', 'The server name in the ClientHello is missing, hidden or not the host of CONNECT.'),
  SEKISHO_EGRESS_CLIENT_VERSION: row(403, 'FORBIDDEN_TARGET', 'info', 'The client offers nothing newer than TLS 1.1.'),
  SEKISHO_EGRESS_SERVER_HELLO: row(403, 'FORBIDDEN_TARGET', 'info', 'The remote server does not answer with a well-formed ServerHello.'),
  SEKISHO_EGRESS_SERVER_VERSION: row(403, 'FORBIDDEN_TARGET', 'info', 'The remote server chose a TLS version older than 1.2.'),
  SEKISHO_EGRESS_HOST_LIMIT: row(429, 'RATE_LIMITED', 'info', 'Too many tunnels to one host are open; see SEKISHO_EGRESS_HOST_TUNNELS_MAX.'),
  SEKISHO_EGRESS_LIMIT: row(503, 'OVERLOADED', 'warn', 'Too many tunnels are open; see SEKISHO_EGRESS_TUNNELS_MAX.'),
  SEKISHO_EGRESS_STOPPING: row(503, 'OVERLOADED', 'info', 'The egress-proxy is shutting down.'),
  SEKISHO_EGRESS_UNRESOLVED: row(502, 'UPSTREAM_FAULT', 'info', 'The name does not exist or has no address; the DNS filter refuses private answers this way.'),
  SEKISHO_EGRESS_DNS: row(502, 'UPSTREAM_FAULT', 'info', 'The resolver failed. Check SEKISHO_DNS_SERVERS if this is frequent.'),
  SEKISHO_EGRESS_DNS_TIMEOUT: row(504, 'TIMEOUT', 'info', 'The resolver did not answer in time. Check SEKISHO_DNS_SERVERS if this is frequent.'),
  SEKISHO_EGRESS_CONNECT: row(502, 'UPSTREAM_FAULT', 'info', 'No connection to the remote server: refused, reset, unreachable.'),
  SEKISHO_EGRESS_CONNECT_TIMEOUT: row(504, 'TIMEOUT', 'info', 'No connection to the remote server in time.'),
  SEKISHO_EGRESS_CLIENT_TIMEOUT: row(504, 'TIMEOUT', 'info', 'The client of a tunnel did not send a whole ClientHello in time.'),
  SEKISHO_EGRESS_SERVER_TIMEOUT: row(504, 'TIMEOUT', 'info', 'The remote server did not answer the ClientHello in time.'),
  SEKISHO_EGRESS_IDLE: row(504, 'TIMEOUT', 'info', 'No byte moved through the tunnel for the idle time; usual for kept-alive connections of Misskey.'),
  SEKISHO_EGRESS_LIFE: row(504, 'TIMEOUT', 'info', 'The tunnel was open for the longest time allowed.'),
  SEKISHO_EGRESS_BYTES: row(413, 'SOURCE_TOO_LARGE', 'warn', 'The tunnel carried as many bytes as SEKISHO_EGRESS_TUNNEL_BYTES_MAX allows.'),
  SEKISHO_EGRESS_CLIENT_GONE: row(502, 'UPSTREAM_FAULT', 'info', 'The client broke the tunnel off.'),
  SEKISHO_EGRESS_SERVER_GONE: row(502, 'UPSTREAM_FAULT', 'info', 'The remote server broke the tunnel off.'),
  // The inbox. A status of 202 stands for "received, not passed on": the sender must not try again.
  SEKISHO_INBOX_PATH: row(404, 'NOT_FOUND', 'info', 'The path leads to an inbox only after decoding; senders use the canonical form, filters are gone around with others.'),
  SEKISHO_INBOX_MEDIA_TYPE: row(415, 'UNSUPPORTED_TYPE', 'info', 'The Content-Type is neither application/activity+json nor application/ld+json. Misskey would never answer some of the others.'),
  SEKISHO_INBOX_CONTENT_ENCODING: row(415, 'UNSUPPORTED_TYPE', 'info', 'The body is compressed; Misskey reads the bytes as they are.'),
  SEKISHO_INBOX_TOO_LARGE: row(413, 'BODY_TOO_LARGE', 'info', 'The body is larger than 64 KiB, as Misskey would refuse it too.'),
  SEKISHO_INBOX_HEADERS: row(400, 'BAD_REQUEST', 'info', 'A header that the signature depends on stands twice, or X-Date or Authorization: Signature is there: two readers would see two requests.'),
  SEKISHO_INBOX_UNSIGNED: row(401, 'UNAUTHENTICATED', 'info', 'There is no Signature header.'),
  SEKISHO_INBOX_RFC9421: row(401, 'UNAUTHENTICATED', 'info', 'The request is signed by RFC 9421 only, which Misskey does not know; senders fall back to the older scheme. The mode `enqueue` bridges it.'),
  SEKISHO_INBOX_SIGNATURE: row(401, 'UNAUTHENTICATED', 'info', 'The Signature header is malformed or names a parameter twice.'),
  SEKISHO_INBOX_KEY_ID: row(401, 'UNAUTHENTICATED', 'info', 'The keyId is no https URL of a public host.'),
  SEKISHO_INBOX_ALGORITHM: row(401, 'UNAUTHENTICATED', 'info', 'The algorithm of the signature is missing, unknown or too weak.'),
  SEKISHO_INBOX_SIGNED_HEADERS: row(401, 'UNAUTHENTICATED', 'info', 'The signature does not cover (request-target), host, date and digest.'),
  SEKISHO_INBOX_HOST: row(401, 'UNAUTHENTICATED', 'info', 'The Host header is not that of SEKISHO_PUBLIC_URL: the request was signed for somebody else, or a proxy in front rewrites Host.'),
  SEKISHO_INBOX_DATE: row(401, 'UNAUTHENTICATED', 'info', 'The Date of the signature is unreadable or too far from now. Check the clock of this machine if it is frequent.'),
  SEKISHO_INBOX_DIGEST: row(401, 'UNAUTHENTICATED', 'info', 'The Digest is missing, not SHA-256, or of another body. A proxy that edits bodies does this to all requests.'),
  SEKISHO_INBOX_BODY_TIMEOUT: row(408, 'REQUEST_TIMEOUT', 'info', 'The body did not arrive in time.'),
  SEKISHO_INBOX_UTF8: row(400, 'INVALID_ACTIVITY', 'info', 'The body is not UTF-8, or begins with a byte order mark.'),
  SEKISHO_INBOX_JSON: row(400, 'INVALID_ACTIVITY', 'info', 'The body is no JSON object.'),
  SEKISHO_INBOX_JSON_KEYS: row(400, 'INVALID_ACTIVITY', 'info', 'A key of the JSON stands twice or is one that readers treat specially.'),
  SEKISHO_INBOX_JSON_LIMIT: row(400, 'INVALID_ACTIVITY', 'info', 'The JSON is nested too deeply, has too many values or too long a string.'),
  SEKISHO_INBOX_REPLAY: row(202, 'ACCEPTED', 'info', 'The same signature was accepted within the last 15 minutes.'),
  SEKISHO_INBOX_PENDING: row(503, 'OVERLOADED', 'info', 'The same signature is being processed at this moment; the sender tries again.'),
  SEKISHO_INBOX_HOST_BLOCKED: row(403, 'FORBIDDEN_ACTIVITY', 'info', 'A host of the activity stands in a block list, or not in the allow list, of the rules file.'),
  SEKISHO_INBOX_LISTS_AWAY: row(503, 'OVERLOADED', 'error', 'An allow list of the rules file was never loaded, so nobody knows who may send. Senders try again; check the URL of the list.'),
  SEKISHO_INBOX_ACTIVITY_TYPE: row(202, 'ACCEPTED', 'info', 'The type of the activity is one that Misskey does not handle.'),
  SEKISHO_INBOX_ID: row(400, 'INVALID_ACTIVITY', 'info', 'The id of the activity is missing or not one https URL of a public host.'),
  SEKISHO_INBOX_ACTOR: row(400, 'INVALID_ACTIVITY', 'info', 'The actor of the activity is missing or not one https URL of a public host.'),
  SEKISHO_INBOX_OWN_HOST: row(400, 'INVALID_ACTIVITY', 'info', 'The activity claims to come from this instance.'),
  SEKISHO_INBOX_REFERENCE: row(400, 'INVALID_ACTIVITY', 'info', 'A URL in the activity is not https, has a port or credentials, or leads to an address or an internal name.'),
  SEKISHO_INBOX_ID_HOST: row(403, 'FORBIDDEN_ACTIVITY', 'info', 'The id of the activity lies on another host than its actor.'),
  SEKISHO_INBOX_SIGNER: row(401, 'UNAUTHENTICATED', 'info', 'The key of the request belongs to another host than the actor, and the activity carries no signature of its own. Relays are named in SEKISHO_INBOX_RELAYS.'),
  SEKISHO_INBOX_LD_POLICY: row(401, 'UNAUTHENTICATED', 'info', 'Activities that somebody else delivers with a signature of their own are refused by SEKISHO_INBOX_LD_SIGNATURES.'),
  SEKISHO_INBOX_LD: row(400, 'INVALID_ACTIVITY', 'info', 'The JSON-LD of the activity could be read in two ways: a keyword that rearranges it, an alias, or a context that is not known.'),
  SEKISHO_INBOX_SHAPE: row(400, 'INVALID_ACTIVITY', 'info', 'A property that Misskey reads has another shape than it may have. The log names the property.'),
  SEKISHO_INBOX_AUTHORITY: row(403, 'FORBIDDEN_ACTIVITY', 'info', 'The actor acts on something that is not his: an object of another host or author.'),
  SEKISHO_INBOX_NOT_LOCAL: row(202, 'ACCEPTED', 'info', 'A follow or a report that concerns nobody on this instance; Misskey ignores it.'),
  SEKISHO_INBOX_MODERATOR: row(202, 'ACCEPTED', 'info', 'A moderator of a group elsewhere deletes what others wrote; Misskey ignores such a Delete.'),
  SEKISHO_INBOX_ACTOR_DOCUMENT: row(403, 'FORBIDDEN_ACTIVITY', 'info', 'The profile in an Update names another actor, or inboxes, collections or keys on other hosts.'),
  SEKISHO_INBOX_ACTOR_KEY: row(400, 'INVALID_ACTIVITY', 'info', 'The public key in a profile is unreadable, too short, or a private one.'),
  SEKISHO_INBOX_COUNT: row(400, 'INVALID_ACTIVITY', 'info', 'The activity has too many recipients, mentions, tags, attachments, poll options or hosts.'),
  SEKISHO_INBOX_PUBLISHED: row(400, 'INVALID_ACTIVITY', 'info', 'The activity claims to be published more than a day from now, or at no readable time.'),
  SEKISHO_INBOX_KEY_REFUSED: row(401, 'UNAUTHENTICATED', 'info', 'The key that signed the request does not exist, or its document does not fit its owner.'),
  SEKISHO_INBOX_KEY_AWAY: row(503, 'OVERLOADED', 'info', 'The key of the sender could not be fetched in time, and SEKISHO_INBOX_VERIFY_UNAVAILABLE is `retry`.'),
  SEKISHO_INBOX_KEY_GONE: row(202, 'ACCEPTED', 'info', 'An actor deletes itself and its key is gone already; nothing can be checked and nothing is lost.'),
  SEKISHO_INBOX_VERIFY: row(401, 'UNAUTHENTICATED', 'info', 'The signature does not fit the key of the actor.'),
  SEKISHO_INBOX_AUDIENCE: row(202, 'ACCEPTED', 'info', 'A post that came to followers or single people within the last 24 hours came again, for everybody. Misskey keeps what it has.'),
  SEKISHO_INBOX_LIMIT_DOMAIN: row(429, 'RATE_LIMITED', 'info', 'The budget of the sending host is spent.'),
  SEKISHO_INBOX_LIMIT_ACTOR: row(429, 'RATE_LIMITED', 'info', 'The budget of the actor is spent.'),
  SEKISHO_INBOX_RULE: row(403, 'FORBIDDEN_ACTIVITY', 'info', 'A rule of the rules file refused the activity; the log names it.'),
  SEKISHO_INBOX_RULE_DROP: row(202, 'ACCEPTED', 'info', 'A rule of the rules file dropped the activity without telling the sender; the log names it.'),
  SEKISHO_INBOX_RULE_QUARANTINE: row(202, 'ACCEPTED', 'info', 'A rule of the rules file kept the activity back, with its bytes, for a look; the log names it.'),
  SEKISHO_INBOX_RULE_LIMIT: row(429, 'RATE_LIMITED', 'info', 'The budget of a rule with the action `limit` is spent; the log names the rule.'),
  SEKISHO_INBOX_BUSY: row(503, 'OVERLOADED', 'warn', 'Too many activities are being read at once.'),
  SEKISHO_INBOX_DISPLACED: row(503, 'OVERLOADED', 'info', 'All places were taken while the body was still on its way, and of all such bodies this was the oldest of the network with the most of them. The sender tries again.'),
  SEKISHO_INBOX_FAULT: row(503, 'OVERLOADED', 'error', 'A check of the inbox failed by a defect; nothing is passed unjudged, and the sender tries again. Please report it with the log line.'),
  SEKISHO_INBOX_QUEUE_AWAY: row(503, 'OVERLOADED', 'error', 'The Redis of Misskey\'s queue did not take the job; check SEKISHO_MISSKEY_QUEUE_REDIS_URL.'),
  // Between services.
  SEKISHO_CONTRACT_VERSION: row(503, 'OVERLOADED', 'error', 'Two services speak different versions of a contract; finish the rollout.'),
  SEKISHO_CONTRACT_INVALID: row(503, 'OVERLOADED', 'error', 'A message between two services does not fit its schema.'),
  SEKISHO_INTERNAL_AUTH: row(403, 'FORBIDDEN_CLIENT', 'warn', 'A request to an internal port without the right token, Host or with an Origin header.'),
  SEKISHO_INTERNAL: row(500, 'INTERNAL', 'error', 'A defect: please report it with the log line.'),
} as const satisfies Record<string, CodeRow>;

export type Code = keyof typeof CODES;
export const CODE_NAMES = Object.keys(CODES) as readonly Code[];

const outside = (areas: RegExp): readonly Code[] => CODE_NAMES.filter((code) => !areas.test(code));
/** What may happen to a picture: not to a tunnel or an activity. Metric labels are kept to what can occur. */
export const MEDIA_CODES = outside(/^SEKISHO_(?:EGRESS|INBOX)_/);
/** What may happen to an activity. */
export const INBOX_CODES = outside(/^SEKISHO_(?:EGRESS|IMAGE|TYPE|UPSTREAM|TARGET)_/);

export const isCode = (value: unknown): value is Code => typeof value === 'string' && Object.hasOwn(CODES, value);

/** Anchor of a code in docs/reference/errors.md. */
export const docsAnchor = (code: Code): string => `docs/reference/errors.md#${code.toLowerCase()}`;
