// Which layers a decoder gets, and whether that is enough to start at all. Pure.

import type { Facts } from './facts.ts';
import { decoderProfile, isWorkerProfile } from './label.ts';
import { LANDLOCK_LAYERS, SANDBOX_LAYERS, type SandboxLayer } from './layers.ts';

/** `require`: no start without the layers of a kernel of 2021; `best-effort`: what there is. */
export type SandboxMode = 'require' | 'best-effort';

export interface Sandbox {
  readonly mode: SandboxMode;
  readonly layers: Readonly<Record<SandboxLayer, boolean>>;
  /** Undefined: decoders are started without any wall of the kernel. */
  readonly launcher: string | undefined;
  /** Compiled seccomp filter. */
  readonly filter: string | undefined;
  /** AppArmor profile of this worker, whose `decoder` child is put on top for decoders. */
  readonly profile: string | undefined;
}

export interface Lack {
  readonly layers: readonly SandboxLayer[];
  /** Whether `require` insists on it. */
  readonly required: boolean;
  /** What is missing and what to do. */
  readonly why: string;
}

export type Plan =
  | { readonly ok: true; readonly sandbox: Sandbox; readonly lacks: readonly Lack[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Interface versions of Landlock that brought rules for TCP (Linux 6.7) and scopes for signals and sockets (6.12). */
const TCP_ABI = 4;
const SCOPES_ABI = 6;

export function planSandbox(mode: SandboxMode, facts: Facts): Plan {
  const impossible = impossibleHere(facts);
  if (impossible !== undefined) return { ok: false, problems: [impossible] };
  const lacks = lacksOf(facts);
  const required = lacks.filter((lack) => lack.required);
  if (mode === 'require' && required.length > 0) return { ok: false, problems: required.map(({ why }) => `SEKISHO_SANDBOX=require: ${why}`) };
  const missing = new Set(lacks.flatMap(({ layers }) => layers));
  const { launcher, filter, label } = facts;
  return { ok: true, sandbox: withLayers({ mode, launcher, filter, profile: label?.name }, (layer) => !missing.has(layer)), lacks };
}

/** A sandbox of these layers: nothing is asked of the launcher for another one. */
export const withLayers = ({ mode, launcher, filter, profile }: Omit<Sandbox, 'layers'>, has: (layer: SandboxLayer) => boolean): Sandbox =>
  ({ mode, layers: layersBy(has), launcher, filter: has('seccomp') ? filter : undefined, profile: has('apparmor') ? profile : undefined });

export const layersBy = (has: (layer: SandboxLayer) => boolean): Readonly<Record<SandboxLayer, boolean>> => ({
  no_new_privs: has('no_new_privs'), limits: has('limits'), descriptors: has('descriptors'), environment: has('environment'),
  landlock_files: has('landlock_files'), landlock_tcp: has('landlock_tcp'), landlock_scopes: has('landlock_scopes'),
  seccomp: has('seccomp'), apparmor: has('apparmor'),
});

/** Filter and libraries are glibc's: on musl decoders would die one by one instead of the worker at once. */
const impossibleHere = ({ glibc }: Facts): string | undefined =>
  glibc ? undefined : 'this Node is built for musl (Alpine): the seccomp filter and the decoder libraries are for glibc; use the image of this project or another one on glibc';

function lacksOf(facts: Facts): Lack[] {
  if (facts.launcher === undefined) {
    const layers = SANDBOX_LAYERS.filter((layer) => layer !== 'environment');
    return [{ layers, required: true, why: 'services/image-worker/launcher/build/launcher is missing or does not run; the image has it, elsewhere `node scripts/set-up/launcher.ts` builds it (gcc)' }];
  }
  return [landlockLack(facts), seccompLack(facts), apparmorLack(facts)].filter((lack) => lack !== undefined);
}

function landlockLack({ landlockAbi }: Facts): Lack | undefined {
  if (landlockAbi < 1) {
    return { layers: LANDLOCK_LAYERS, required: true, why: 'no Landlock: it needs Linux 5.13, `landlock` in /sys/kernel/security/lsm (boot option lsm=), and a seccomp profile of the container that allows landlock_create_ruleset' };
  }
  if (landlockAbi < TCP_ABI) {
    return { layers: ['landlock_tcp', 'landlock_scopes'], required: false, why: `Landlock of this kernel (version ${landlockAbi}) has rules for files alone; TCP needs Linux 6.7, signals and abstract sockets 6.12` };
  }
  return landlockAbi < SCOPES_ABI
    ? { layers: ['landlock_scopes'], required: false, why: `Landlock of this kernel (version ${landlockAbi}) has no rules for signals and abstract sockets; they need Linux 6.12` }
    : undefined;
}

function seccompLack({ seccomp, filter, arch }: Facts): Lack | undefined {
  if (!seccomp) return { layers: ['seccomp'], required: true, why: 'no seccomp filters: the kernel lacks CONFIG_SECCOMP_FILTER, or a seccomp profile of the container forbids the call seccomp' };
  return filter === undefined
    ? { layers: ['seccomp'], required: true, why: `no seccomp filter for ${arch} in k8s/seccomp: there is one for x64 and one for arm64; \`npm run generate\` makes them` }
    : undefined;
}

function apparmorLack({ label }: Facts): Lack | undefined {
  if (label === undefined || !isWorkerProfile(label)) {
    return { layers: ['apparmor'], required: false, why: 'the worker does not run under the AppArmor profile image-worker' };
  }
  return label.mode === 'enforce'
    ? undefined
    : { layers: ['apparmor'], required: true, why: `the AppArmor profile ${label.name} is loaded in ${label.mode ?? 'no'} mode: it forbids nothing; load it in enforce mode` };
}

/** The AppArmor profile asked of the launcher. */
export const stackedProfile = ({ profile }: Sandbox): string | undefined => (profile === undefined ? undefined : decoderProfile(profile));
