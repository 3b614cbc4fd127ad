#!/usr/bin/env bash
# unguarded.sh IMAGE SERVICE_IMAGE: the image of fetcher or egress-proxy with netguard's judgement taken out: any address,
# any port, any name. It exists to show that the other walls hold alone, and must never run anywhere else. The product has
# no switch for this: two files are replaced in a copy of the image.
set -euo pipefail
image=${1:?usage: unguarded.sh IMAGE SERVICE_IMAGE}
service=${2:?usage: unguarded.sh IMAGE SERVICE_IMAGE}
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
container=$(buildah from --pull-never "$service")
trap 'buildah rm "$container" >/dev/null; rm -rf "$work"' EXIT

source=/app/packages/netguard/src
for file in address-policy.ts names.ts; do
  buildah run --isolation chroot "$container" -- cat "$source/$file" >"$work/$file"
done
insert() { # FILE LINE INSERTED: puts a line behind one that must occur exactly once
  [ "$(grep -cxF "$2" "$work/$1")" = 1 ] || { printf 'unguarded.sh: %s no longer has the line: %s\n' "$1" "$2" >&2; exit 1; }
  LINE=$2 INSERTED=$3 awk '{ print } $0 == ENVIRON["LINE"] { print ENVIRON["INSERTED"] }' "$work/$1" >"$work/new"
  mv "$work/new" "$work/$1"
}
# Only the policy that vets targets has these options; the configuration's own check of its networks stays.
insert address-policy.ts 'export function createAddressPolicy(options: AddressPolicyOptions = {}): AddressPolicy {' \
  "  if (options.unsafeAllowTargets !== undefined) return { allowTargetPorts: Object.assign(new Set<number>(), { has: () => true }), setDenyCidrs: () => undefined, check: () => ({ allowed: true, unsafeTarget: true }) };"
insert names.ts 'export function checkHostName(host: string): NameVerdict {' '  if (host !== "") return { ok: true, name: normalizeHost(host) };'
buildah copy --quiet --chmod 0644 "$container" "$work/address-policy.ts" "$work/names.ts" "$source/" >/dev/null

# The patch has to do what it says, or the cases that use this image would prove nothing.
buildah run --isolation chroot "$container" -- /usr/local/bin/node --input-type=module -e "$(cat "$here/unguarded-check.mjs")" >&2
buildah config --label sekisho.test=unguarded "$container"
buildah commit --quiet "$container" "$image" >/dev/null
printf '%s\n' "$image"
