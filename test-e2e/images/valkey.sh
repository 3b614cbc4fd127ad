#!/usr/bin/env bash
# valkey.sh IMAGE [BASE_IMAGE]: Debian's valkey-server on the tests' base, for the evaluation Redis of the chart where no
# public registry can be reached. Only the packages' files: their scripts would want an init system.
set -euo pipefail
image=${1:?usage: valkey.sh IMAGE [BASE_IMAGE]}
base=${2:-localhost/sekisho-debian:13}
here=$(dirname "$(readlink -f "$0")")
state=${STATE_DIR:-/var/tmp/sekisho-cluster}/base
archive=$state/valkey-$(dpkg --print-architecture).tar

"$here/base.sh" "$base" >/dev/null
if [ ! -s "$archive" ]; then
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
  mmdebstrap --quiet --mode=root --variant=extract --include=valkey-server \
    --dpkgopt='path-exclude=/usr/share/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='cd "$1" && rm -rf dev proc sys run tmp var/lib/apt var/lib/dpkg var/cache' \
    trixie "$archive.new.tar" "${mirror%/}" >&2
  mv "$archive.new.tar" "$archive"
fi

digest=$(sha256sum "$archive" | cut -c1-64)-$(buildah inspect --type image --format '{{.FromImageID}}' "$base")
stored=$(buildah inspect --type image --format '{{index .OCIv1.Config.Labels "content"}}' "$image" 2>/dev/null || true)
if [ "$stored" != "$digest" ]; then
  container=$(buildah from --pull-never "$base")
  trap 'buildah rm "$container" >/dev/null' EXIT
  buildah add --quiet "$container" "$archive" / >/dev/null
  buildah config --user 10001:10001 --workingdir /data --label "content=$digest" \
    --entrypoint '["/usr/bin/valkey-server"]' --cmd '' "$container"
  buildah run --isolation chroot "$container" -- /usr/bin/valkey-server --version >&2
  buildah commit --quiet --timestamp 0 "$container" "$image" >/dev/null
fi
printf '%s\n' "$image"
