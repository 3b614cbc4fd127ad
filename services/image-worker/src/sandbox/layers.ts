// The layers around a decoder by their names: labels of the metric, details of /readyz, words of the log.

export const SANDBOX_LAYERS = [
  'no_new_privs', 'limits', 'descriptors', 'environment', 'landlock_files', 'landlock_tcp', 'landlock_scopes', 'seccomp', 'apparmor',
] as const;
export type SandboxLayer = (typeof SANDBOX_LAYERS)[number];

export const namesOf = (layers: Readonly<Record<SandboxLayer, boolean>>, on: boolean): SandboxLayer[] => SANDBOX_LAYERS.filter((layer) => layers[layer] === on);
