// What a pod reads by path is there: a program or a file that the pod lacks shows only when the pod starts.

import { containersOf, type Container, type KubeObject, type Pod, podsOf } from '../../scripts/chart/documents.ts';
import { configMapFiles, filesOf } from '../lib/volumes.ts';
import type { Check } from './check.ts';

/** The innermost mount that holds a path, with the rest of the path. */
function mountOf(path: string, container: Container): { readonly volume: string; readonly rest: string } | undefined {
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
    map !== undefined && map.name.startsWith(`${instance}-`) && configMapFiles(map.name, objects) === undefined ? [`${pod.owner}: ConfigMap ${map.name} is not rendered`] : [],
  );
};

export const FILE_CHECKS: readonly Check[] = [
  { name: 'paths', problems: (objects) => podsOf(objects).flatMap((pod) => containersOf(pod).flatMap((container) => missing(pod, container, objects))) },
  { name: 'mounted ConfigMaps', problems: (objects) => podsOf(objects).flatMap((pod) => mountedMaps(pod, objects)) },
];
