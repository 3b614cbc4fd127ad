// What a pod reads by path is there: a program or a file that the pod lacks shows only when the pod starts.

import { containersOf, type Container, type KubeObject, type Pod, podsOf, type Volume } from '../../scripts/chart/documents.ts';
import type { Check } from './check.ts';

/** Names of the files that a volume holds; undefined: not known from the rendered objects. */
export function filesOf(volume: Volume, objects: readonly KubeObject[]): readonly string[] | undefined {
  if (volume.secret !== undefined) return volume.secret.items?.map(({ path }) => path);
  if (volume.configMap !== undefined) return volume.configMap.items?.map(({ path }) => path) ?? configMap(volume.configMap.name, objects);
  if (volume.projected === undefined) return undefined;
  const parts = (volume.projected.sources ?? []).map(({ secret, configMap: map, serviceAccountToken: token }) =>
    token === undefined ? (secret?.items ?? map?.items)?.map(({ path }) => path) ?? (map === undefined ? undefined : configMap(map.name, objects)) : [token.path],
  );
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []);
}

function configMap(name: string, objects: readonly KubeObject[]): readonly string[] | undefined {
  const found = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
  return found === undefined ? undefined : Object.keys(found.data ?? {});
}

/** The innermost mount that holds a path, with the rest of the path. */
export function mountOf(path: string, container: Container): { readonly volume: string; readonly rest: string } | undefined {
  const [best] = (container.volumeMounts ?? []).filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`)).toSorted((a, b) => b.mountPath.length - a.mountPath.length);
  return best === undefined ? undefined : { volume: best.name, rest: path.slice(best.mountPath.length + 1) };
}

function missing(pod: Pod, container: Container, objects: readonly KubeObject[]): readonly string[] {
  const paths = [...(container.command ?? []), ...(container.args ?? []), ...(container.env ?? []).map(({ value }) => value ?? '')].filter((text) => /^\/[\w./-]+$/.test(text));
  return paths.flatMap((path) => {
    const mount = mountOf(path, container);
    const volume = pod.spec.volumes?.find(({ name }) => name === mount?.volume);
    const files = volume === undefined ? undefined : filesOf(volume, objects);
    return mount === undefined || files === undefined || mount.rest === '' || files.includes(mount.rest) ? [] : [`${pod.owner}: container ${container.name}: ${path} is not mounted`];
  });
}

/** A ConfigMap of the release that a pod mounts exists; one that the user names does not begin with the release's name. */
const mountedMaps = (pod: Pod, objects: readonly KubeObject[]): readonly string[] => {
  const instance = pod.metadata.labels?.['app.kubernetes.io/instance'] ?? '';
  return (pod.spec.volumes ?? []).flatMap(({ configMap: map }) =>
    map !== undefined && map.name.startsWith(`${instance}-`) && configMap(map.name, objects) === undefined ? [`${pod.owner}: ConfigMap ${map.name} is not rendered`] : [],
  );
};

export const FILE_CHECKS: readonly Check[] = [
  { name: 'paths', problems: (objects) => podsOf(objects).flatMap((pod) => containersOf(pod).flatMap((container) => missing(pod, container, objects))) },
  { name: 'mounted ConfigMaps', problems: (objects) => podsOf(objects).flatMap((pod) => mountedMaps(pod, objects)) },
];
