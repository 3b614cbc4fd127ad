#!/usr/bin/env bash
# base.sh IMAGE [ARCHITECTURE]: the Debian 13 that the tests' images stand on, made of Debian's own packages from the
# mirror this machine is set up for (or DEBIAN_MIRROR), where no public image registry can be reached.
# Another architecture than the machine's is unpacked without running the packages' scripts: enough to build and look
# into an image, not to run it. The archive is kept in STATE_DIR; delete it there to take newer packages.
set -euo pipefail
image=${1:?usage: base.sh IMAGE [ARCHITECTURE]}
state=${STATE_DIR:-/var/tmp/sekisho-cluster}/base
suite=trixie
packages=ca-certificates,libstdc++6,tzdata

fail() { printf 'base.sh: %s\n' "$1" >&2; exit 1; }
need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] || fail "$1 is missing; run: sudo apt install $2"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >&2
}
mirror() {
  local found
  found=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
  [ -n "$found" ] || fail "no Debian mirror among this machine's apt sources; set DEBIAN_MIRROR to the URL of one"
  printf '%s\n' "${found%/}"
}

need buildah buildah
own=$(dpkg --print-architecture)
arch=${2:-$own}
archive=$state/debian-13-$arch.tar
if [ ! -s "$archive" ]; then
  need mmdebstrap mmdebstrap
  [ -n "$(apt-get indextargets --format x 'Created-By: Packages' | head -n 1)" ] || apt-get update -qq
  mkdir -p "$state"
  variant=essential
  if [ "$arch" != "$own" ]; then
    variant=extract
    packages=base-files,bash,coreutils,dash,$packages
  fi
  mmdebstrap --quiet --mode=root --variant="$variant" --architectures="$arch" --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$suite" "$archive.new.tar" "$(mirror)" >&2
  mv "$archive.new.tar" "$archive"
fi

# The same archive has to give the same image id, because the tags of what stands on it are made from that.
digest=$(sha256sum "$archive" | cut -c1-64)
stored=$(buildah inspect --type image --format '{{index .OCIv1.Config.Labels "archive.sha256"}}' "$image" 2>/dev/null || true)
if [ "$stored" != "$digest" ]; then
  container=$(buildah from --arch "$arch" scratch)
  trap 'buildah rm "$container" >/dev/null' EXIT
  buildah add --quiet "$container" "$archive" / >/dev/null
  buildah config --arch "$arch" --cmd /bin/bash --label "archive.sha256=$digest" "$container"
  buildah commit --quiet --timestamp 0 "$container" "$image" >/dev/null
fi
printf '%s\n' "$image"
