// What every pod of the chart must hold on top of the Pod Security Standard.

import { componentOf, containersOf, type Container, type Pod } from '../../scripts/chart/documents.ts';
import { type Check, podCheck } from './check.ts';
import { CONTROLS } from './standard.ts';

const UID_MIN = 10_000;
/** Misskey's own image knows no other user. */
const MISSKEY_UID = 991;

const perContainer = (name: string, problems: (container: Container, pod: Pod) => string | undefined): Check =>
  podCheck(name, (pod) => containersOf(pod).flatMap((container) => prefixed(container.name, problems(container, pod))));

const prefixed = (name: string, problem: string | undefined): readonly string[] => (problem === undefined ? [] : [`container ${name}: ${problem}`]);

function uidProblem({ securityContext }: Container, { metadata, spec }: Pod): string | undefined {
  const uid = securityContext?.runAsUser ?? spec.securityContext?.runAsUser;
  const isMisskey = componentOf(metadata)?.startsWith('misskey-') === true;
  if (uid === undefined) return 'no runAsUser: the image decides';
  return uid >= UID_MIN || (isMisskey && uid === MISSKEY_UID) ? undefined : `runAsUser ${uid}`;
}

function resourceProblem({ resources }: Container): string | undefined {
  const { requests, limits } = resources ?? {};
  const missing = [requests?.['cpu'] ? '' : 'requests.cpu', requests?.['memory'] ? '' : 'requests.memory', limits?.['memory'] ? '' : 'limits.memory'].filter(Boolean);
  return missing.length === 0 ? undefined : `no ${missing.join(', ')}`;
}

const appArmorSet = (pod: Pod): readonly string[] =>
  [pod.spec.securityContext, ...containersOf(pod).map(({ securityContext }) => securityContext)].some((context) => context?.appArmorProfile !== undefined)
    ? ['appArmorProfile is set: the pod fails on nodes without AppArmor']
    : [];

const duplicateNames = ({ env }: Container): string | undefined => {
  const names = (env ?? []).map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return twice.length === 0 ? undefined : `twice in env: ${twice.join(', ')}`;
};

/** `repository:tag` or `repository@sha256:…`; a bare name would be `latest`. */
const imageProblem = ({ image }: Container): string | undefined =>
  /^[a-z0-9][a-z0-9./:_-]*(?::[A-Za-z0-9_][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest') ? undefined : `image ${image}`;

function mountProblem({ volumeMounts }: Container, { spec }: Pod): string | undefined {
  const known = new Set((spec.volumes ?? []).map(({ name }) => name));
  const unknown = (volumeMounts ?? []).map(({ name }) => name).filter((name) => !known.has(name));
  return unknown.length === 0 ? undefined : `mounts ${unknown.join(', ')}, which the pod does not have`;
}

export const POD_CHECKS: readonly Check[] = [
  ...CONTROLS.map(({ id, level, problems }) => podCheck(`pod security ${level}: ${id}`, problems)),
  perContainer('user', uidProblem),
  perContainer('read-only root', ({ securityContext }) => (securityContext?.readOnlyRootFilesystem === true ? undefined : 'the root file system is writable')),
  perContainer('resources', resourceProblem),
  perContainer('unique environment', duplicateNames),
  perContainer('image reference', imageProblem),
  perContainer('mounts', mountProblem),
  podCheck('no API token', ({ spec }) => (spec.automountServiceAccountToken === false ? [] : ['automountServiceAccountToken is not false'])),
  podCheck('no service links', ({ spec }) => (spec.enableServiceLinks === false ? [] : ['enableServiceLinks is not false'])),
  podCheck('no AppArmor field', appArmorSet),
  podCheck('bounded scratch', ({ spec }) =>
    (spec.volumes ?? []).flatMap((volume) => (volume.emptyDir !== undefined && !volume.emptyDir?.sizeLimit ? [`emptyDir ${volume.name} has no sizeLimit`] : [])),
  ),
];
