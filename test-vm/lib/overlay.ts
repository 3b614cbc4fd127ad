// The part of the machine's files that changes with our sources: the service, its policies, the guest's programs.

import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { encodePng, paint } from '@sekisho/testkit';
import { stageSources } from '../../scripts/images/stage.ts';
import { compileStatic, ensureLauncher, LAUNCHER_SOURCE } from '../../scripts/set-up/launcher.ts';
import { ensureProbe } from '../../test-sandbox/probe/build.ts';
import { run } from './command.ts';
import { ociConfig } from './containers.ts';
import { CONTAINERS, LAUNCHER, PROFILES, REPLACING_LAUNCHER, ROWS } from './scenarios.ts';
import { ROOT } from './state.ts';

/** Where the decoder's own profile lets it read and load; nothing in it knows of tests. */
const PROBE_SCRIPT = 'app/services/image-worker/src/decoder/probe.cjs';
const PROBE_LIBRARY = 'app/node_modules/@img/probe/probe.node';
const FILTERS = ['k8s/seccomp/decoder.x86_64.bpf'];
/** With text: fonts are read behind all walls too. */
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><text x="10" y="50" font-size="40">Sekisho</text></svg>';
const REDIS_URL = 'redis://127.0.0.1:6379/0\n';

/** Fills a folder. */
export function layOver(root: string): void {
  const context = stageSources({ root: ROOT, service: 'image-worker', architecture: 'amd64', nodeVersion: process.versions.node });
  cpSync(join(context, 'app'), join(root, 'app'), { recursive: true });
  rmSync(context, { recursive: true });
  addPolicies(root);
  addGuest(root);
  stripTypes(join(root, 'app'));
  write(root, 'run/secrets/sekisho/redis-work/image-worker-url', REDIS_URL);
  write(root, 'run/secrets/kubernetes.io/serviceaccount/token', 'token');
  write(root, 'root/secret', 'secret');
  write(root, 'etc/passwd', 'root:x:0:0::/root:/bin/sh\nsekisho:x:10001:10001::/:/bin/sh\n');
  write(root, 'etc/group', 'root:x:0:\n');
  write(root, 'etc/shadow', 'root:*:1:0:99999:7:::\n');
  write(root, 'etc/hosts', '127.0.0.1 localhost\n');
}

function addPolicies(root: string): void {
  for (const [name, text] of Object.entries(PROFILES)) write(root, `profiles/${name}`, text);
  for (const path of FILTERS) copy(root, join(ROOT, path), `app/${path}`);
  copy(root, ensureLauncher('amd64'), LAUNCHER);
  const source = readFileSync(join(ROOT, LAUNCHER_SOURCE), 'utf8');
  if (!source.includes('"stack %s"')) throw new Error('the launcher writes its order in another way: this mutation needs a new place');
  write(root, 'weakened/launcher.c', source.replace('"stack %s"', '"exec %s"'));
  compileStatic(join(root, 'weakened/launcher.c'), join(root, REPLACING_LAUNCHER));
}

function addGuest(root: string): void {
  const guest = join(ROOT, 'test-vm/guest');
  cpSync(guest, join(root, 'app/test-vm/guest'), { recursive: true });
  copy(root, join(guest, 'init.sh'), 'init');
  copy(root, join(guest, 'probe.cjs'), PROBE_SCRIPT);
  copy(root, join(ensureProbe(), 'inside/probe.node'), PROBE_LIBRARY);
  write(root, 'containers/rows', ROWS.map((names) => `${names.join(' ')}\n`).join(''));
  write(root, 'app/test-vm/guest/picture.png', encodePng(paint(320, 240, 3)));
  write(root, 'app/test-vm/guest/picture.svg', SVG);
  for (const container of CONTAINERS) {
    write(root, `containers/${container.name}/config.json`, JSON.stringify(ociConfig(container)));
    mkdirSync(join(root, `containers/${container.name}/rootfs`));
    // In the folder that the container sees as /tmp.
    for (const victim of ['victim', 'victim-remove']) write(root, `scratch/${container.name}/${victim}`, 'x');
  }
  run('chmod', ['-R', 'a+rX', root]);
  run('chmod', ['-R', 'a+rwX', join(root, 'scratch')]);
  run('chmod', ['755', join(root, 'init'), join(root, LAUNCHER), join(root, REPLACING_LAUNCHER)]);
}

function stripTypes(folder: string): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    writeFileSync(path, stripTypeScriptTypes(readFileSync(path, 'utf8')));
  }
}

function write(root: string, path: string, text: string | Buffer): void {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
}

function copy(root: string, from: string, to: string): void {
  const place = join(root, to);
  if (existsSync(place)) rmSync(place);
  mkdirSync(dirname(place), { recursive: true });
  cpSync(from, place);
}
