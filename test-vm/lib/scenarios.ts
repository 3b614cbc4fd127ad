// What the machine runs, in this order.

import { readTemplate, renderProfile, withName } from '../../scripts/generate/apparmor/profile.ts';
import type { Container } from './containers.ts';

const template = readTemplate();
export const PROFILE = renderProfile(template);

/** Copies that do not hold what ours holds, under names of the same form: a worker must notice by what it sees. */
const COMPLAIN = 'image-worker-c0c0c0c0c0c0';
const CHILDLESS = 'image-worker-d0d0d0d0d0d0';
const REPLACING = 'image-worker-e0e0e0e0e0e0';
export const WEAKENED = { COMPLAIN, CHILDLESS, REPLACING } as const;

export const PROFILES: Readonly<Record<string, string>> = {
  [PROFILE.name]: PROFILE.text,
  [COMPLAIN]: withName(template, COMPLAIN).replaceAll('flags=(attach_disconnected', 'flags=(complain,attach_disconnected'),
  [CHILDLESS]: withName(withoutChild(template), CHILDLESS),
  // Allows the transition that is not stacked, so that its refusal is the kernel's and not a missing rule's.
  [REPLACING]: withName(template.replace(/^( *change_profile .*-> )&(.*)$/m, '$1$2\n$1&$2'), REPLACING),
};

function withoutChild(text: string): string {
  const from = text.indexOf('  profile decoder ');
  const to = text.indexOf('\n  }\n', from) + '\n  }\n'.length;
  return text.slice(0, from) + text.slice(to);
}

const NODE = '/usr/local/bin/node';
/** Types are taken out before, on a real processor. */
const STRIPPED = ['--import', '/app/test-vm/guest/stripped.mjs'];
export const LAUNCHER = '/app/services/image-worker/launcher/build/launcher';
/** The launcher with one word changed: `exec` for `stack`. */
export const REPLACING_LAUNCHER = '/weakened/launcher';
const guest = (script: string, ...args: readonly string[]): readonly string[] => [NODE, ...STRIPPED, `/app/test-vm/guest/${script}.ts`, ...args];
/** No worker is needed to see that a label cannot be had. */
const launch = (profile: string): readonly string[] => [LAUNCHER, '--stack', `${profile}//decoder`, '--', NODE, '--version'];
const REPLACED = { of: LAUNCHER, by: REPLACING_LAUNCHER } as const;

/** Containers that run at the same time. Only one of a row fills the log of what our profile denies. */
export const ROWS: readonly (readonly string[])[] = [
  ['product'], ['no-walls', 'apparmor-alone'], ['complain', 'service'], ['launcher', 'exec-for-stack', 'exec-for-stack-allowed', 'no-child-profile'],
];

export const CONTAINERS: readonly Container[] = [
  { name: 'product', args: guest('product'), profile: PROFILE.name, seccomp: true },
  { name: 'no-walls', args: guest('attempts'), root: true },
  { name: 'apparmor-alone', args: guest('attempts', 'apparmor'), profile: PROFILE.name, root: true },
  { name: 'complain', args: guest('attempts', 'apparmor', 'label'), profile: COMPLAIN, root: true },
  { name: 'launcher', args: launch(PROFILE.name), profile: PROFILE.name },
  { name: 'exec-for-stack', args: launch(PROFILE.name), profile: PROFILE.name, instead: REPLACED },
  { name: 'exec-for-stack-allowed', args: launch(REPLACING), profile: REPLACING, instead: REPLACED },
  { name: 'no-child-profile', args: launch(CHILDLESS), profile: CHILDLESS },
  {
    name: 'service', args: [NODE, ...STRIPPED, '/app/services/image-worker/src/main.ts'], profile: PROFILE.name, seccomp: true,
    env: ['SEKISHO_WORK_REDIS_URL_FILE=/run/secrets/sekisho/redis-work/image-worker-url', 'SEKISHO_SANDBOX=require', 'SEKISHO_DECODER_SLOTS=1'],
  },
];
