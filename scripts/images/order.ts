// What is to be built, from the arguments and from the variables that Skaffold sets. Pure.

import { SERVICES, type Service } from './service.ts';

const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

const DEFAULT_BASE = 'docker.io/library/debian:13-slim';

export const USAGE = `usage: scripts/build-image.sh SERVICE [IMAGE]
  SERVICE        ${SERVICES.join(', ')}
  IMAGE          reference to give the image; default localhost/sekisho-SERVICE:<tag made of the content>
  PUSH_IMAGE     true: push it to the registry of its reference
  PLATFORMS      linux/amd64, linux/arm64 or both with a comma; default the machine's own
  BASE_IMAGE     default ${DEFAULT_BASE}
  STAGE_ONLY     true: make the build context only and print its folder, for another builder than buildah`;

export interface BuildOrder {
  readonly service: Service;
  /** Reference to give the image on top of the one made of its content. */
  readonly image: string | undefined;
  readonly architectures: readonly Architecture[];
  readonly baseImage: string;
  readonly isPushed: boolean;
  readonly isStagedOnly: boolean;
}

export type ParsedOrder = { readonly ok: true; readonly order: BuildOrder } | { readonly ok: false; readonly problem: string };

const wrong = (problem: string): ParsedOrder => ({ ok: false, problem });

/** @param own architecture of this machine, as `process.arch` names it. */
export function parseOrder(args: readonly string[], env: NodeJS.ProcessEnv, own: string): ParsedOrder {
  const [name, given, ...rest] = args;
  const service = SERVICES.find((known) => known === name);
  if (service === undefined) return wrong(name === undefined ? 'no service given' : `there is no service ${JSON.stringify(name)}`);
  if (rest.length > 0) return wrong('too many arguments');
  const image = given ?? nonEmpty(env['IMAGE']);
  if (image !== undefined && !isReference(image)) return wrong(`${JSON.stringify(image)} is no image reference`);
  const isPushed = env['PUSH_IMAGE'] === 'true';
  if (isPushed && image === undefined) return wrong('PUSH_IMAGE needs IMAGE, the reference to push to');
  const architectures = parsePlatforms(nonEmpty(env['PLATFORMS']) ?? `linux/${own === 'x64' ? 'amd64' : own}`);
  if (architectures === undefined) return wrong('PLATFORMS must be linux/amd64, linux/arm64 or both');
  const isStagedOnly = env['STAGE_ONLY'] === 'true';
  return { ok: true, order: { service, image, architectures, baseImage: nonEmpty(env['BASE_IMAGE']) ?? DEFAULT_BASE, isPushed, isStagedOnly } };
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

// A reference must not be taken for an option of buildah.
const isReference = (text: string): boolean => /^[a-z0-9][A-Za-z0-9._:/@-]{0,400}$/.test(text);

function parsePlatforms(text: string): readonly Architecture[] | undefined {
  const named = text.split(',').map((platform) => platform.trim());
  const found = ARCHITECTURES.filter((architecture) => named.includes(`linux/${architecture}`));
  return found.length === new Set(named).size ? found : undefined;
}

/** A registry on loopback speaks plain http; every other one must prove who it is. */
export function isLoopbackRegistry(image: string): boolean {
  const [registry = ''] = image.split('/');
  return image.includes('/') && /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d+)?$/.test(registry);
}
