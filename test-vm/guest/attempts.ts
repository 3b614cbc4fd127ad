// The probe in a decoder with no wall of the kernel but those named, after what a worker says to it.
//   attempts.ts [LAYER]...

import { decideSandbox } from '../../services/image-worker/src/sandbox/decide.ts';
import { readFacts } from '../../services/image-worker/src/sandbox/facts.ts';
import { FIRM_LAYERS, SANDBOX_LAYERS } from '../../services/image-worker/src/sandbox/layers.ts';
import { type Sandbox, planSandbox } from '../../services/image-worker/src/sandbox/plan.ts';
import { createSpawn } from '../../services/image-worker/src/sandbox/spawn.ts';
import { PATIENT, startOne } from './decoders.ts';
import { probe } from './probe.ts';
import { say } from './say.ts';

const kept = SANDBOX_LAYERS.filter((layer) => FIRM_LAYERS.includes(layer) || process.argv.includes(layer));
const without = SANDBOX_LAYERS.filter((layer) => !kept.includes(layer));
const facts = readFacts();
const strict = planSandbox('require', facts);
say('require', strict.ok ? 'starts' : strict.problems);
const { sandbox: found } = decideSandbox('best-effort', facts);
// A worker that has noticed that its profile forbids nothing does not ask for it. Here it is asked for all the same.
const isAsked = kept.includes('apparmor');
const sandbox: Sandbox = { ...found, layers: { ...found.layers, apparmor: isAsked }, profile: isAsked ? facts.label?.name : undefined };
if (process.argv.includes('label')) say('decoder', await startOne(createSpawn({ sandbox, without, limits: PATIENT })));
say('verdicts', await probe(sandbox, without));
