// The layers around a decoder by their names: labels of the metric, details of /readyz, words of the log.

export const SANDBOX_LAYERS = [
  'no_new_privs', 'limits', 'descriptors', 'environment', 'landlock_files', 'landlock_tcp', 'landlock_scopes', 'seccomp', 'apparmor',
] as const;
export type SandboxLayer = (typeof SANDBOX_LAYERS)[number];

/** One rule set: they come and go together, and the later ones never without the first. */
export const LANDLOCK_LAYERS: readonly SandboxLayer[] = ['landlock_files', 'landlock_tcp', 'landlock_scopes'];
/** The launcher does the first two in any case; the environment of a decoder is always empty. */
export const FIRM_LAYERS: readonly SandboxLayer[] = ['no_new_privs', 'descriptors', 'environment'];

export const namesOf = (layers: Readonly<Record<SandboxLayer, boolean>>, on: boolean): SandboxLayer[] => SANDBOX_LAYERS.filter((layer) => layers[layer] === on);
