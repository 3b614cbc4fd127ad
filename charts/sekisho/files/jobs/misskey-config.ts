// Puts Misskey's configuration together from settings of the chart and values of Secrets, so that no password is ever in
// a ConfigMap. Run by an init container:  node misskey-config.ts misskey.json
//
// The result is JSON, which is YAML too: one text serves Misskey since 2026, which reads JSON, and all before, which read
// YAML. Values are never pasted into a text, so a password may hold whatever it likes.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SECRET_BYTES_MAX = 64 * 1024;
/** Ends of a line, and a control character, in YAML but not in JSON; escaped, both read the same. */
const OTHER_IN_YAML = /[\u2028\u2029\u0085\u007f]/g;
/** Names that reach the prototype of an object instead of a setting. */
const NO_SETTING = new Set(['__proto__', 'prototype', 'constructor']);

export interface SecretSetting {
  /** Dotted name of the setting, for example db.pass. */
  readonly path: string;
  /** File with the value, below `mounts`. */
  readonly file: string;
}

/** What the chart writes into misskey.json. */
export interface Assembly {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secrets: readonly SecretSetting[];
  /** Folder of the mounted Secrets. */
  readonly mounts: string;
  /** Folder for the result, in memory. */
  readonly out: string;
}

/** @throws with a sentence for the operator that names the setting, never its value. */
export function assemble({ settings, secrets, mounts }: Assembly): string {
  const config = structuredClone(settings) as Record<string, unknown>;
  for (const { path, file } of secrets) setAt(config, path, readSecret(join(mounts, file), path));
  return `${JSON.stringify(config, undefined, 2).replace(OTHER_IN_YAML, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

/** The value as the user meant it: an editor or `echo` puts one line end behind it. */
function readSecret(path: string, setting: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new Error(`the Secret for ${setting} lacks its key, or cannot be read`, { cause: error });
  }
  if (bytes.length > SECRET_BYTES_MAX) throw new Error(`the Secret for ${setting} is longer than ${SECRET_BYTES_MAX} bytes`);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  if (text === '') throw new Error(`the Secret for ${setting} is empty`);
  return text;
}

function setAt(config: Record<string, unknown>, path: string, value: string): void {
  const names = path.split('.');
  if (names.some((name) => name === '' || NO_SETTING.has(name))) throw new Error(`${path} is no name of a setting`);
  const last = names.pop() ?? '';
  let at = config;
  for (const name of names) {
    const inner = at[name] ?? {};
    if (typeof inner !== 'object' || Array.isArray(inner)) throw new Error(`${path}: ${name} is set to a value already`);
    at[name] = inner;
    at = inner as Record<string, unknown>;
  }
  at[last] = value;
}

/** Writes both names; the pod mounts the one that its version reads. */
export function writeConfig(assembly: Assembly): void {
  const text = assemble(assembly);
  for (const name of ['default.yml', 'config.json']) writeFileSync(join(assembly.out, name), text, { mode: 0o400 });
}

if (import.meta.main) {
  try {
    writeConfig(JSON.parse(readFileSync(process.argv[2] ?? 'misskey.json', 'utf8')) as Assembly);
    process.stdout.write('configuration written\n');
  } catch (error) {
    process.stdout.write(`the configuration of Misskey was not written: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
