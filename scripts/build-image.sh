#!/bin/sh
# build-image.sh SERVICE [IMAGE]: builds the image of a service with buildah; see docs/images.md. The last line of the
# output is the image's reference. Skaffold calls it as its builder, with IMAGE, PUSH_IMAGE and PLATFORMS set.
set -eu
exec sh "$(dirname "$0")/run.sh" scripts/images/build.ts "$@"
