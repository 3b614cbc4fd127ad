// The image-worker's seccomp profile on the nodes, brought there as docs/sandbox.md says it: a ConfigMap and the DaemonSet of
// k8s/seccomp-installer.yaml.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Manifest, apply } from './cluster.ts';
import { context, imageReference, root } from './context.ts';

const INSTALLER = join(root, 'k8s/seccomp-installer.yaml');
const PROFILE = join(root, 'charts/sekisho/files/seccomp/image-worker.json');
export const INSTALLER_NAMESPACE = 'sekisho-nodes';
/** The cluster's own pause: it reaches no registry. */
const PAUSE = 'localhost/pause:1';

export interface SeccompProfile {
  /** As `imageWorker.sandbox.seccomp.localhostProfile` takes it. */
  readonly name: string;
  install(): Promise<void>;
}

/** A name that no node has yet; the file follows with `install`. */
export function seccompProfile(): SeccompProfile {
  const file = `image-worker-${randomBytes(6).toString('hex')}.json`;
  return {
    name: `sekisho/${file}`,
    install: async () => {
      const [namespace, ...rest] = installer();
      if (namespace === undefined) throw new Error(`${INSTALLER} is empty`);
      const files: Manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'seccomp-profiles', namespace: INSTALLER_NAMESPACE }, data: { [file]: readFileSync(PROFILE, 'utf8') } };
      await apply(namespace, files, ...rest);
    },
  };
}

function installer(): readonly Manifest[] {
  let text = readFileSync(INSTALLER, 'utf8').replace('registry.example/sekisho/image-worker:0.1.0', imageReference('image-worker'));
  if (context().isOwn) text = text.replace('registry.k8s.io/pause:3.10', PAUSE);
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}
