// The worker as it is: its own decision about the sandbox, real pictures; then what its owner could try.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { decideSandbox } from '../../services/image-worker/src/sandbox/decide.ts';
import { createSpawn } from '../../services/image-worker/src/sandbox/spawn.ts';
import { readWalls } from '../../services/image-worker/src/sandbox/walls.ts';
import { PATIENT, startOne } from './decoders.ts';
import { probe } from './probe.ts';
import { outcomeOf, say } from './say.ts';

const EXECUTE_MS = 30_000;
const picture = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));

const own = readWalls('self');
const { sandbox } = decideSandbox('require');
say('walls', { noNewPrivs: own.noNewPrivs, seccompMode: own.seccompMode, label: own.label });
say('layers', sandbox.layers);
const spawn = createSpawn({ sandbox, limits: PATIENT });
const [raster, svg] = await Promise.all([startOne(spawn, { body: picture('picture.png') }), startOne(spawn, { class: 'svg', body: picture('picture.svg') })]);
say('raster', raster);
say('svg', svg);
// A launcher that is not told to put the label on.
say('unlabelled', await startOne(createSpawn({ sandbox, limits: PATIENT, without: ['apparmor'] })));
say('verdicts', await probe(sandbox, [], 2));

const executed = (program: string): string => {
  const { error, status } = spawnSync(program, ['-c', 'exit 7'], { timeout: EXECUTE_MS });
  return error !== undefined && 'code' in error ? String(error.code) : `status ${status}`;
};
say('owner', {
  'read shadow': outcomeOf(() => readFileSync('/etc/shadow')),
  'read token': outcomeOf(() => readFileSync('/run/secrets/kubernetes.io/serviceaccount/token')),
  'read another secret': outcomeOf(() => readFileSync('/root/secret')),
  'list /': outcomeOf(() => readdirSync('/')),
  'write to /tmp': outcomeOf(() => writeFileSync('/tmp/made', 'x')),
  'make a folder in /tmp': outcomeOf(() => mkdirSync('/tmp/folder')),
  'write to a file in /tmp': outcomeOf(() => writeFileSync('/tmp/victim', 'x')),
  'become unconfined': outcomeOf(() => writeFileSync('/proc/self/attr/current', 'changeprofile unconfined')),
  'execute a shell': executed('/bin/sh'),
  'execute node': executed('/usr/local/bin/node'),
  'execute the launcher': executed('/app/services/image-worker/launcher/build/launcher'),
  'read its Redis password': outcomeOf(() => readFileSync('/run/secrets/sekisho/redis-work/image-worker-url')),
  'listen': await new Promise<string>((resolve) => {
    const server = createServer().once('error', (error) => resolve(String(error))).listen(0, () => server.close(() => resolve('done')));
  }),
});
