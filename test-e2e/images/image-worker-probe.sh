#!/usr/bin/env bash
# image-worker-probe.sh IMAGE IMAGE_WORKER_IMAGE: the image-worker's image with the attacks of test-sandbox beside it, in
# /app/test-sandbox. Program, walls and entry point are the product's: nothing there knows of them.
set -euo pipefail
image=${1:?usage: image-worker-probe.sh IMAGE IMAGE_WORKER_IMAGE}
worker=${2:?usage: image-worker-probe.sh IMAGE IMAGE_WORKER_IMAGE}
root=$(dirname "$(readlink -f "$0")")/../..
work=$(mktemp -d)
container=$(buildah from --pull-never "$worker")
trap 'buildah rm "$container" >/dev/null; rm -rf "$work"' EXIT

built=$(sh "$root/scripts/run.sh" test-sandbox/probe/build.ts)
mkdir -p "$work/attempts" "$work/probe"
cp "$root/test-sandbox/"{attempts,verdict}.ts "$work/"
cp "$root/test-sandbox/attempts/"*.ts "$work/attempts/"
cp "$root/test-sandbox/probe/"{*.ts,*.cjs,package.json} "$work/probe/"
cp -r "$built" "$work/probe/built"
chmod -R u=rwX,go=rX "$work"
buildah copy --quiet "$container" "$work" /app/test-sandbox >/dev/null
buildah config --label sekisho.test=probe "$container"
buildah commit --quiet "$container" "$image" >/dev/null
printf '%s\n' "$image"
