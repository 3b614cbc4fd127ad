#!/bin/sh
# misskey-stub.sh: Skaffold's builder of the stub that stands where Misskey would be: the testkit's, on an image of the
# gateway for its Node.js, whichever there was when the stub was last changed. Skaffold sets IMAGE and PUSH_IMAGE.
set -eu
cd "$(dirname "$0")/.."
: "${IMAGE:?is set by Skaffold}"
tls=true
case $IMAGE in 127.*:* | localhost:*) tls=false ;; esac
node=$(unset IMAGE PUSH_IMAGE && sh scripts/build-image.sh gateway | tail -n 1)
container=$(buildah from --pull-never "$node")
trap 'buildah rm "$container" >/dev/null' EXIT
buildah copy --quiet "$container" packages/testkit/src/misskey test-e2e/lib/misskey/main.ts /work/ >/dev/null
buildah copy --quiet "$container" scripts/demo/assets/clip.webm /data/ >/dev/null
buildah config --entrypoint '["/usr/local/bin/node", "/work/main.ts"]' --env PUBLIC_URL=http://localhost:8080 "$container"
buildah commit --quiet "$container" "$IMAGE" >/dev/null
[ "${PUSH_IMAGE:-}" != true ] || buildah push --quiet --tls-verify=$tls "$IMAGE"
