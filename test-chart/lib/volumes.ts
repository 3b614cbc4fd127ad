// What is in a volume, as far as the rendered objects tell.

import type { KubeObject, Volume } from '../../scripts/chart/documents.ts';

/** Names of the files that a volume holds; undefined: not known from the rendered objects. */
export function filesOf(volume: Volume, objects: readonly KubeObject[]): readonly string[] | undefined {
  if (volume.secret !== undefined) return volume.secret.items?.map(({ path }) => path);
  if (volume.configMap !== undefined) return volume.configMap.items?.map(({ path }) => path) ?? configMapFiles(volume.configMap.name, objects);
  if (volume.projected === undefined) return undefined;
  const parts = (volume.projected.sources ?? []).map(({ secret, configMap: map, serviceAccountToken: token }) =>
    token === undefined ? (secret?.items ?? map?.items)?.map(({ path }) => path) ?? (map === undefined ? undefined : configMapFiles(map.name, objects)) : [token.path],
  );
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []);
}

/** Undefined: no such ConfigMap is rendered. */
export function configMapFiles(name: string, objects: readonly KubeObject[]): readonly string[] | undefined {
  const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
  return found === undefined ? undefined : Object.keys(found.data ?? {});
}
