// Every rendered document against the strict schema of its kind, and both versions of Helm against each other.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type KubeObject, nameOf, parseDocuments } from '../scripts/chart/documents.ts';
import { CHART, type Helm, KUBERNETES_VERSION, type RenderOptions, renderText, REQUIRED, ROOT, runTool, VARIANTS } from '../scripts/chart/helm.ts';
import { ensureSchemas } from './lib/schemas.ts';

const LOCATIONS = [ensureSchemas(), join(ROOT, 'test-chart/schemas')].map((folder) => `${folder}/{{ .ResourceKind }}{{ .KindSuffix }}.json`);
const FLAGS = ['-strict', '-verbose', '-output', 'json', ...LOCATIONS.flatMap((place) => ['-schema-location', place])];

interface Resource {
  readonly filename: string;
  readonly kind: string;
  readonly name: string;
  readonly status: string;
  readonly msg: string;
}

const texts = VARIANTS.map(({ name, options }) => ({ name, v4: renderText({ ...options, helm: 'helm' }), v3: renderText({ ...options, helm: 'helm3' }) }));
const folder = mkdtempSync(join(tmpdir(), 'sekisho-kubeconform-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** All at once: most of a run is reading the schemas. */
function conform(files: Readonly<Record<string, string>>): readonly Resource[] {
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, text);
    return path;
  });
  return (JSON.parse(runTool('kubeconform', [...FLAGS, ...paths]).stdout) as { readonly resources: readonly Resource[] }).resources;
}

const CONTROL_SERVICE = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } };
const CONTROL_MONITOR = { apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', metadata: { name: 'a' }, spec: { selector: { matchLabels: { a: 'b' } }, podMetricsEndpoints: [{ port: 'ops' }] } };
const CONTROLS = {
  'unknown-field': { ...CONTROL_SERVICE, spec: { ...CONTROL_SERVICE.spec, prots: [] } },
  'wrong-type': { ...CONTROL_SERVICE, spec: { ports: [{ port: 'http' }] } },
  'unknown-kind': { ...CONTROL_SERVICE, kind: 'Servise' },
  'unknown-field-of-a-pod-monitor': { ...CONTROL_MONITOR, spec: { ...CONTROL_MONITOR.spec, podMetricEndpoints: [] } },
};
const resources = conform({
  ...Object.fromEntries(texts.map(({ name, v4 }) => [name, v4])),
  ...Object.fromEntries(Object.entries(CONTROLS).map(([name, object]) => [`control-${name}`, JSON.stringify(object)])),
  'control-good': [CONTROL_SERVICE, CONTROL_MONITOR].map((object) => JSON.stringify(object)).join('\n---\n'),
});
const statusesOf = (name: string): readonly string[] => resources.filter(({ filename }) => filename === join(folder, `${name}.yaml`)).map(({ kind, name: object, status, msg }) => (status === 'statusValid' ? 'valid' : `${kind}/${object}: ${status} ${msg}`));

it.each(texts)('$name: every document fits its schema', ({ name, v4 }) => {
  expect(statusesOf(name)).toEqual(parseDocuments(v4).map(() => 'valid'));
});

describe('controls', () => {
  it.each(Object.keys(CONTROLS))('%s is refused', (name) => {
    const [status, ...others] = statusesOf(`control-${name}`);
    expect(others).toEqual([]);
    expect(status).toMatch(/status(?:Invalid|Error)/);
  });

  it('the same without it is accepted', () => {
    expect(statusesOf('control-good')).toEqual(['valid', 'valid']);
  });
});

/** Helm 3 and 4 sort documents of one kind differently; what they hold must be the same. */
const sorted = (yaml: string): readonly KubeObject[] => parseDocuments(yaml).toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));

it.each(texts)('$name: Helm 3 and Helm 4 render the same', ({ v3, v4 }) => {
  expect(sorted(v3)).toEqual(sorted(v4));
});

describe('helm lint', () => {
  const lint = (helm: Helm, { valuesFile, values }: RenderOptions): string => {
    const file = valuesFile === undefined ? [] : ['--values', valuesFile];
    const { status, stdout, stderr } = runTool(helm, ['lint', CHART, '--strict', '--quiet', '--kube-version', KUBERNETES_VERSION, ...file, '--values', '-'], JSON.stringify(values ?? {}));
    // Under lint a refusal by `fail` is only a line of the log.
    return status === 0 && !stderr.includes('funcMap fail') ? '' : `${status}: ${stdout}${stderr}`;
  };

  it.each(VARIANTS)('$name: has nothing to say', ({ options }) => {
    expect(lint('helm', options)).toBe('');
  });

  it('of Helm 3 has nothing to say about the defaults', () => {
    expect(lint('helm3', { values: REQUIRED })).toBe('');
  });

  it('speaks up when values are missing or misspelt', () => {
    expect(lint('helm', {})).toContain('publicUrl is not set');
    expect(lint('helm', { values: { ...REQUIRED, gatway: {} } })).toContain('gatway');
  });
});
