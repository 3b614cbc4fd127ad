// Names of the rule sets that come with Sekisho.

export const BUILTIN_NAMES = ['spam-2024-02', 'new-account-mentions', 'new-account-direct', 'stranger-mentions', 'hellthread'] as const;
export type BuiltinName = (typeof BUILTIN_NAMES)[number];
