// Every variant of the chart against every check, and each check against a document that breaks it.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CHECKS } from './checks/all.ts';
import { BREAKAGES, type Draft } from './lib/breakages.ts';
import { type KubeObject, nameOf, parseDocuments, podsOf } from '../scripts/chart/documents.ts';
import { CHART, render, renderText, REQUIRED, variant, VARIANTS } from '../scripts/chart/helm.ts';

const text = new Map(VARIANTS.map(({ name, options }) => [name, renderText(options)]));
const objects = new Map([...text].map(([name, yaml]) => [name, parseDocuments(yaml)]));
const of = (name: string): readonly KubeObject[] => objects.get(name) ?? [];
const problems = (name: string, rendered: readonly KubeObject[]): readonly string[] => CHECKS.find((check) => check.name === name)?.problems(rendered) ?? [`no check ${name}`];

/** What a variant gives up on purpose, by variant and check. */
const GIVEN_UP: Readonly<Record<string, RegExp>> = {
  // misskey.managed.readOnlyRootFilesystem: false, for versions that write beside their program.
  'misskey-managed-scaled: read-only root': /^Deployment\/sekisho-misskey-(?:web|queue): container misskey:/,
  // imageWorker.sandbox.appArmor: somebody whose nodes have the profile.
  'sandbox-profiles: no AppArmor field': /^Deployment\/sekisho-image-worker: /,
};

it('has variants, checks and pods to look at', () => {
  expect(VARIANTS.length).toBeGreaterThanOrEqual(13);
  expect(CHECKS.length).toBeGreaterThanOrEqual(30);
  for (const { name } of VARIANTS) expect(podsOf(of(name)).length).toBeGreaterThanOrEqual(3);
});

describe.each(VARIANTS.map(({ name }) => name))('%s', (name) => {
  it.each(CHECKS.map((check) => check.name))('%s', (check) => {
    const givenUp = GIVEN_UP[`${name}: ${check}`];
    const found = problems(check, of(name));
    expect(found.filter((line) => givenUp?.test(line) !== true)).toEqual([]);
    // A permission that nothing needs any more hides the next mistake.
    if (givenUp !== undefined) expect(found).not.toEqual([]);
  });

  it('is rendered to the same bytes twice', () => {
    expect(renderText(variant(name))).toBe(text.get(name));
  });

  it('has no two components with one selector', () => {
    const selectors = of(name).flatMap(({ kind, spec }) => (['Deployment', 'StatefulSet'].includes(kind) ? [JSON.stringify(spec?.['selector'])] : []));
    expect(new Set(selectors).size).toBe(selectors.length);
  });
});

describe('names', () => {
  const release = `r${'a'.repeat(52)}`;

  it.each(VARIANTS.map(({ name, options }) => [name, options] as const))('%s: fit with a release of 53 characters', (_name, options) => {
    const long = render({ ...options, release });
    for (const check of ['names', 'selectors', 'no object twice', 'mounted ConfigMaps']) expect(problems(check, long)).toEqual([]);
  });

  it('differ between two releases in one namespace', () => {
    const names = new Set(render({ values: REQUIRED, release: 'other' }).map(nameOf));
    expect(of('defaults').map(nameOf).filter((name) => names.has(name))).toEqual([]);
  });
});

describe('templates', () => {
  const files = readdirSync(join(CHART, 'templates'), { recursive: true, encoding: 'utf8' }).filter((file) => /\.(?:ya?ml|tpl|txt)$/.test(file));
  const FORBIDDEN = /\b(?:lookup|rand(?:AlphaNum|Alpha|Numeric|Ascii|Bytes|Int)|genCA|genSelfSignedCert|genSignedCert|genPrivateKey|uuidv4|now|htpasswd|getHostByName)\b|\.Capabilities\b/;
  const actionsOf = (template: string): string => (template.match(/\{\{.*?\}\}/gs) ?? []).filter((action) => !/^\{\{-?\s*\/\*/.test(action)).map((action) => action.replaceAll(/"[^"]*"/g, '""')).join('\n');

  it.each(files)('%s asks neither the cluster nor chance', (file) => {
    expect(actionsOf(readFileSync(join(CHART, 'templates', file), 'utf8'))).not.toMatch(FORBIDDEN);
  });

  it('would be found asking', () => {
    for (const action of ['{{ lookup "v1" "Secret" "a" "b" }}', '{{ randAlphaNum 32 }}', '{{ if .Capabilities.APIVersions.Has "x" }}', '{{ now }}']) expect(actionsOf(action)).toMatch(FORBIDDEN);
    expect(actionsOf('{{/* no lookup here */}}{{ fail "now" }}')).not.toMatch(FORBIDDEN);
  });
});

describe('controls', () => {
  it('break every check', () => {
    expect(CHECKS.map(({ name }) => name).filter((name) => !BREAKAGES.some(({ check }) => check === name))).toEqual([]);
  });

  it.each(BREAKAGES.map(({ check, what, change }) => [check, what, change] as const))('%s: %s', (check, _what, change) => {
    const draft = structuredClone(of('defaults')) as Draft[];
    expect(problems(check, draft)).toEqual([]);
    change(draft);
    expect(problems(check, draft)).not.toEqual([]);
  });
});
