'use strict';
// Loads sharp without the modules that only its installer and its stream form need: half of sharp's start-up is JavaScript
// a decoder never uses (38 ms of CPU instead of 85 ms per fresh process).
// This reaches into the module loader and holds for one version of sharp, whose output a test compares byte for byte.
// Any other version is loaded as it comes: slower, never wrong. Only buffers in and out work with the lean form.

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const LEAN_VERSION = '0.35.5';
const PLATFORM = `linux-${process.arch}`;
/** glibc's loader, where each architecture's programs expect it: musl has another one. */
const LOADERS = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' };

function loadLean() {
  const load = Module._load;
  function Duplex() {}
  // sharp listens for `finish` and tells warnings of libvips by `emit`; nobody hears either here.
  Duplex.prototype.on = () => undefined;
  Duplex.prototype.emit = () => false;
  const stubs = {
    semver: { satisfies: () => true, gte: () => true, lt: () => false, coerce: (version) => ({ version }) },
    'detect-libc': {
      GLIBC: 'glibc', MUSL: 'musl', familySync: () => 'glibc', versionSync: () => '2.36', isNonGlibcLinuxSync: () => false,
    },
    'node:child_process': {},
    'node:crypto': {},
    'node:os': { availableParallelism: () => 1 },
    // Names and syntax of CSS colours, 9 ms of every start: the decoder's own backgrounds are objects.
    '@img/colour': ({ r, g, b, alpha = 1 }) => ({ red: () => r, green: () => g, blue: () => b, alpha: () => alpha }),
    // Versions that nobody asks a decoder for.
    [`@img/sharp-${PLATFORM}/versions`]: {},
    'node:stream': { Duplex, Readable: Duplex, Writable: Duplex },
  };
  // sharp first looks for a build of its own: two searches in vain.
  const aliases = { [`../src/build/Release/sharp-${PLATFORM}-${LEAN_VERSION}.node`]: `@img/sharp-${PLATFORM}/sharp.node` };
  Module._load = (request, parent, isMain) => stubs[request] ?? load.call(Module, aliases[request] ?? request, parent, isMain);
  try {
    return require('sharp');
  } finally {
    Module._load = load;
  }
}

/** Lean only for the tested version on glibc: the stubs answer for detect-libc. */
function isLean() {
  const { version } = JSON.parse(fs.readFileSync(path.join(path.dirname(require.resolve('sharp')), '..', 'package.json'), 'utf8'));
  const loader = LOADERS[process.arch];
  return version === LEAN_VERSION && process.platform === 'linux' && loader !== undefined && fs.existsSync(loader);
}

const lean = isLean();
module.exports = { sharp: lean ? loadLean() : require('sharp'), lean };
