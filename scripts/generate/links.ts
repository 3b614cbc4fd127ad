// Relative links of Markdown pages: the file, and the heading when one is named.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Measured, not written: it appears with the first bench. */
const MAY_BE_MISSING: ReadonlySet<string> = new Set(['docs/performance.md']);
/** A file of the repository in a code span; patterns and placeholders are not meant. */
const NAMED_FILE = /`((?:packages|services|scripts|config|docs|k8s|bench|test-browser|test-stack|test-sandbox|test-chart|test-e2e|charts|dev)\/[\w./-]+\.\w+)`/g;
const LINK = /\]\(([^()\s]+)\)/g;

/** Links of a page that lead to no file or no heading. */
export function brokenLinks(root: string, path: string): readonly string[] {
  const text = withoutCode(readFileSync(join(root, path), 'utf8'));
  const links = [...text.matchAll(LINK)].flatMap((match) => match[1] ?? []);
  return links.filter((link) => !/^[a-z]+:/.test(link) && !isThere(root, path, link));
}

/** Files that a page names in code spans and that are not there. */
export function missingFiles(root: string, path: string): readonly string[] {
  const named = [...readFileSync(join(root, path), 'utf8').matchAll(NAMED_FILE)].flatMap((match) => match[1] ?? []);
  return [...new Set(named)].filter((file) => !existsSync(join(root, file)) && !MAY_BE_MISSING.has(file));
}

function isThere(root: string, path: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : normalize(join(dirname(path), file));
  if (!existsSync(join(root, target))) return MAY_BE_MISSING.has(target);
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(readFileSync(join(root, target), 'utf8')).includes(anchor);
}

/** Anchors of the headings, as code hosts make them. */
export const anchorsOf = (text: string): readonly string[] =>
  [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{1,6} +(.+)$/gm)].map((match) =>
    (match[1] ?? '').toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-'));

const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');
