// What a user sees before and after the installation: the chart's own description, and NOTES.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { CHART, render, renderNotes, REQUIRED, ROOT, variant } from '../scripts/chart/helm.ts';
import { containersOf, podsOf } from '../scripts/chart/documents.ts';

interface Chart {
  readonly apiVersion: string;
  readonly version: string;
  readonly appVersion: string;
  readonly kubeVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
}

describe('Chart.yaml', () => {
  const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Chart;
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string; readonly license: string };

  it('is of the version of the programs', () => {
    expect(chart).toMatchObject({ apiVersion: 'v2', appVersion: own.version, kubeVersion: '>=1.30.0-0' });
  });

  it('says on Artifact Hub what it is', () => {
    expect(chart.annotations).toMatchObject({ 'artifacthub.io/category': 'security', 'artifacthub.io/license': own.license });
    for (const name of ['changes', 'images']) expect(Array.isArray(parse(chart.annotations[`artifacthub.io/${name}`] ?? ''))).toBe(true);
  });

  it('names the images that it installs', () => {
    const named = (parse(chart.annotations['artifacthub.io/images'] ?? '[]') as readonly { readonly image: string }[]).map(({ image }) => image);
    const used = new Set(podsOf(render({ values: REQUIRED })).flatMap(containersOf).map(({ image }) => image));
    for (const image of used) expect(named).toContain(image);
  });
});

describe('NOTES', () => {
  it.each([
    ['the address of the media proxy for an external Misskey', { values: REQUIRED }, /mediaProxy: '?https:\/\/social\.example\/media/],
    ['that the evaluation Redis is not for production', { values: REQUIRED }, /redis\.evaluation/],
    ['the weaker of two seccomp profiles', { values: REQUIRED }, /seccomp\.type is RuntimeDefault/],
    ['walls that decoders may lack', variant('sandbox-best-effort'), /sandbox\.mode is best-effort/],
    ['missing policies', variant('overrides'), /networkPolicy\.enabled/],
    ['the unsafe switches', variant('unsafe'), /unsafe\.publicCIDRs/],
    ['plain http', variant('plain-http'), /plain ?http/i],
    ['the open egress of Misskey', variant('misskey-managed-scaled'), /unprotectedEgress/],
  ] as const)('name %s', (_what, options, says) => {
    expect(renderNotes(options)).toMatch(says);
  });

  it('do not warn of what is not chosen', () => {
    expect(renderNotes({ values: REQUIRED })).not.toMatch(/unsafe\.publicCIDRs|unprotectedEgress\.enabled|networkPolicy\.enabled|best-effort/);
    expect(renderNotes(variant('sandbox-profiles'))).not.toMatch(/imageWorker\.sandbox/);
  });
});
