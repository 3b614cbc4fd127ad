// SIGKILL for the first process of a container, from outside: within the container nothing can kill it.

import { readFileSync, readdirSync } from 'node:fs';
import { type Pod, deletePod, read } from './cluster.ts';
import { context } from './context.ts';

interface Statuses {
  readonly containerStatuses?: readonly { readonly name: string; readonly containerID?: string }[];
}

/**
 * Kills the pod's only container. Where we do not stand beside the node the whole pod is killed instead.
 * @returns whether the pod stays, with its container started anew
 */
export async function killMain(pod: Pod): Promise<boolean> {
  if (!context().isOwn) {
    await deletePod(pod, 0);
    return false;
  }
  const { containerStatuses = [] } = (await read({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod.name, namespace: pod.namespace } }))['status'] as Statuses;
  const id = containerStatuses[0]?.containerID?.replace(/^containerd:\/\//, '') ?? '';
  if (containerStatuses.length !== 1 || !/^[0-9a-f]{64}$/.test(id)) throw new Error(`${pod.name}: one running container was expected`);
  const mains = processes().filter((pid) => isMainOf(pid, id));
  const [main] = mains;
  if (main === undefined || mains.length !== 1) throw new Error(`${pod.name}: ${mains.length} first processes`);
  process.kill(main, 'SIGKILL');
  return true;
}

const processes = (): readonly number[] => readdirSync('/proc').map(Number).filter((pid) => pid > 0);

/** In the container's control group, and number 1 in its own namespace. */
function isMainOf(pid: number, containerId: string): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId)) return false;
    return /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // it has ended meanwhile
  }
}
