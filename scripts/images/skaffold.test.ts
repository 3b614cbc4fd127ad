// skaffold.yaml says by hand what an image is made of: a file that it forgets changes without a new image.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { SERVICES } from './service.ts';
import { ingredientsOf } from './stage.ts';

interface Skaffold {
  readonly build: { readonly artifacts: readonly { readonly image: string; readonly custom: { readonly buildCommand: string; readonly dependencies: { readonly paths: readonly string[] } } }[] };
  readonly deploy: { readonly helm: { readonly releases: readonly { readonly setValueTemplates: Readonly<Record<string, string>> }[] } };
}

const root = dirname(dirname(import.meta.dirname));
const { build, deploy } = parse(readFileSync(join(root, 'skaffold.yaml'), 'utf8')) as Skaffold;
const camelCase = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

describe.each(SERVICES)('skaffold.yaml: %s', (service) => {
  const custom = build.artifacts.find(({ image }) => image === `sekisho-${service}`)?.custom;

  it('is built by the command of everybody, and again after a change of any file in it', () => {
    expect(custom?.buildCommand).toBe(`sh scripts/build-image.sh ${service}`);
    const watched = custom?.dependencies.paths ?? [];
    const inside = [...ingredientsOf({ root, service, architecture: 'amd64', nodeVersion: '24.0.0' }).keys(), 'package-lock.json', 'Dockerfile'];
    expect(inside.filter((path) => !watched.some((one) => path === one || path.startsWith(`${one}/`)))).toEqual([]);
  });

  it('is what the release runs', () => {
    const variable = `sekisho_${service.replaceAll('-', '_')}`;
    expect(deploy.helm.releases[0]?.setValueTemplates).toMatchObject({
      [`${camelCase(service)}.image.repository`]: `{{.IMAGE_REPO_${variable}}}`, [`${camelCase(service)}.image.tag`]: `{{.IMAGE_TAG_${variable}}}`,
    });
  });
});
