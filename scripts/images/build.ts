// scripts/build-image.sh SERVICE [IMAGE]: one image, tagged by what is in it; built only if that tag is not there yet.

import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CompileFailed } from '../set-up/launcher.ts';
import { MissingProgram } from '../set-up/programs.ts';
import { contentTag } from './content-tag.ts';
import { type BuildOrder, USAGE, isLoopbackRegistry, parseOrder } from './order.ts';
import { BuildProblem, ask, askBuildah, buildah } from './run.ts';
import { readManifest } from './service.ts';
import { type StageSpec, ingredientsOf, lowerIngredientsOf, stageLower, stageSources } from './stage.ts';

const root = dirname(dirname(import.meta.dirname));
const EXIT_USAGE = 2;
const DOCKERFILE = 'Dockerfile';

const say = (line: string): void => void process.stderr.write(`build-image: ${line}\n`);

/** The one place where the version is written is the script that sets Node up. */
function pinnedNode(): string {
  const found = /^node_pinned=(\d+\.\d+\.\d+)$/m.exec(readFileSync(join(root, 'scripts/run.sh'), 'utf8'))?.[1];
  if (found === undefined) throw new BuildProblem('scripts/run.sh names no version of Node');
  return found;
}

const baseIdOf = (image: string): string | undefined => askBuildah('inspect', '--type', 'image', '--format', '{{.FromImageID}}', image);

/** Id of the base image, pulled if it is not there. */
function ensureBase(image: string, architecture: string): string {
  if (image === 'scratch') return image;
  if (!image.startsWith('localhost/')) return buildah('pull', '--quiet', '--policy', 'missing', '--arch', architecture, image);
  const id = baseIdOf(image);
  if (id === undefined) throw new BuildProblem(`the base image ${image} is not in the storage of this machine`);
  return id;
}

/** Builds for one architecture and returns the reference made of the content. */
function buildPart(order: BuildOrder, spec: StageSpec): string {
  const { service, architecture, nodeVersion } = spec;
  const ingredients = ingredientsOf(spec);
  const baseId = ensureBase(order.baseImage, architecture);
  const content = { service, architecture, nodeVersion, baseId };
  const seldom = new Map([[DOCKERFILE, readFileSync(join(root, DOCKERFILE))], ...lowerIngredientsOf(spec)]);
  const reference = `localhost/sekisho-${service}:${contentTag({ ...content, files: new Map([...seldom, ...ingredients]) })}`;
  if (isThere(reference)) return reference;
  const lower = `localhost/sekisho-${service}-modules:${contentTag({ ...content, files: seldom })}`;
  if (!isThere(lower)) build(stageLower(spec), { baseId, spec, target: `${service}-modules`, options: ['--tag', lower] });
  // The stage below is taken from the image just made instead of being built again.
  const below = ['--build-context', `${service}-modules=container-image://${lower}`];
  build(stageSources(spec), { baseId, spec, target: service, options: [...below, ...labels(order, [...ingredients.keys()]), '--tag', reference] });
  return reference;
}

function isThere(reference: string): boolean {
  const isFound = baseIdOf(reference) !== undefined;
  say(`${reference} ${isFound ? 'is there already' : 'is being built'}`);
  return isFound;
}

interface Step {
  /** By id: a name means the image of the architecture that was pulled last. */
  readonly baseId: string;
  readonly spec: StageSpec;
  readonly target: string;
  readonly options: readonly string[];
}

function build(context: string, { baseId, spec, target, options }: Step): void {
  const fixed = ['--quiet', '--layers', '--pull-never', '--arch', spec.architecture, '--file', join(root, DOCKERFILE)];
  try {
    buildah('build', ...fixed, '--target', target, '--build-arg', `BASE_IMAGE=${baseId}`, ...options, context);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

function labels(order: BuildOrder, sources: readonly string[]): readonly string[] {
  const values = { version: readManifest(root).version, revision: revisionOf(sources), 'base.name': order.baseImage };
  return Object.entries(values).flatMap(([name, value]) => ['--label', `org.opencontainers.image.${name}=${value}`]);
}

/** The commit that last touched what is in the image: the same content has the same revision. */
function revisionOf(sources: readonly string[]): string {
  const paths = ['--', ...sources, DOCKERFILE, 'package-lock.json'];
  const commit = ask('git', ['log', '-1', '--format=%H', ...paths], { cwd: root, missing: 'git is not installed' });
  if (commit === undefined || commit === '') return 'unknown';
  const changed = ask('git', ['status', '--porcelain', ...paths], { cwd: root });
  return changed === '' ? commit : `${commit}-dirty`;
}

/** Gives the built parts one name and pushes that if asked to. */
function publish(order: BuildOrder, parts: readonly string[]): string {
  const [first = ''] = parts;
  const image = order.image ?? (parts.length === 1 ? first : `localhost/sekisho-${order.service}:${parts.map(tagOf).join('-')}`);
  const isIndex = parts.length > 1;
  if (isIndex) makeIndex(image, parts);
  else if (image !== first) buildah('tag', first, image);
  if (!order.isPushed) return image;
  const options = ['--quiet', ...(isLoopbackRegistry(image) ? ['--tls-verify=false'] : [])];
  if (isIndex) buildah('manifest', 'push', ...options, '--all', image, `docker://${image}`);
  else buildah('push', ...options, image);
  return image;
}

const tagOf = (reference: string): string => reference.slice(reference.lastIndexOf(':') + 1);

function makeIndex(image: string, parts: readonly string[]): void {
  if (askBuildah('manifest', 'inspect', image) !== undefined) buildah('manifest', 'rm', image);
  buildah('manifest', 'create', image);
  for (const part of parts) buildah('manifest', 'add', image, part);
}

function main(): number {
  const parsed = parseOrder(process.argv.slice(2), process.env, process.arch);
  if (!parsed.ok) {
    process.stderr.write(`${parsed.problem}\n\n${USAGE}\n`);
    return EXIT_USAGE;
  }
  const { order } = parsed;
  const nodeVersion = pinnedNode();
  const specs = order.architectures.map((architecture) => ({ root, service: order.service, architecture, nodeVersion }));
  if (order.isStagedOnly) {
    for (const spec of specs) process.stdout.write(`${stageSources(spec, stageLower(spec))}\n`);
    return 0;
  }
  const parts = specs.map((spec) => buildPart(order, spec));
  process.stdout.write(`${publish(order, parts)}\n`);
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  const isExplained = error instanceof BuildProblem || error instanceof MissingProgram || error instanceof CompileFailed;
  if (!isExplained) throw error;
  say(error.message);
  process.exitCode = 1;
}
