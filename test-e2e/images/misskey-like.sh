#!/usr/bin/env bash
# misskey-like.sh IMAGE NODE_IMAGE: an image with the layout of misskey/misskey (folders, user 991, programs, the file that
# its configuration is read from), with the testkit's stub as the server. NODE_IMAGE is any of ours, for its Node.js.
set -euo pipefail
image=${1:?usage: misskey-like.sh IMAGE NODE_IMAGE}
node=${2:?usage: misskey-like.sh IMAGE NODE_IMAGE}
here=$(dirname "$(readlink -f "$0")")
stub=$here/../../packages/testkit/src/misskey
work=$(mktemp -d)
container=$(buildah from --pull-never "$node")
trap 'buildah rm "$container" >/dev/null; rm -rf "$work"' EXIT

backend=$work/misskey/packages/backend
mkdir -p "$work/misskey/"{.config,built,files} "$backend/"{built/boot,built/stub,node_modules/typeorm}
cp "$here/misskey-like/"*.ts "$backend/built/"
cp "$stub/"*.ts "$backend/built/stub/"
# Misskey's client stack, as the packages are installed here.
for package in node-fetch data-uri-to-buffer fetch-blob formdata-polyfill node-domexception hpagent; do
  cp -RL "$here/../../node_modules/$package" "$backend/node_modules/"
done
echo '{"type":"module"}' >"$backend/package.json"
echo "import '../server.ts';" >"$backend/built/boot/entry.js"
echo "import '../../built/migrate.ts';" >"$backend/node_modules/typeorm/cli.js"
echo 'export default {};' >"$backend/ormconfig.js"
buildah copy --quiet --chown 991:991 "$container" "$work/misskey" /misskey >/dev/null
# The real one starts by tini, which hands on its arguments as env does.
buildah config --user 991:991 --workingdir /misskey --entrypoint '["/usr/bin/env", "--"]' --cmd '' "$container"
buildah commit --quiet "$container" "$image" >/dev/null
printf '%s\n' "$image"
