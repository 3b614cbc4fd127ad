// What every answer of the media routes owes, whatever it is.

import { expect } from '@jest/globals';
import { PUBLIC_CODES } from '@sekisho/contracts';
import sharp from 'sharp';
import type { Answer } from './client.ts';

const ERROR_AGE_MAX_S = 300;
const NEVER_TYPES = /svg|html|xml|javascript|ecmascript|text\/(?!plain$)/i;

/** Headers, error lives and codes that hold for all answers of the media routes. */
export function expectMediaAnswer(answer: Answer): void {
  const { headers, status } = answer;
  const csp = headers['content-security-policy'] ?? '';
  expect(csp).toContain("default-src 'none'");
  expect(csp).toContain('sandbox');
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'x-robots-tag': 'noindex',
    'referrer-policy': 'no-referrer',
    'access-control-allow-origin': '*',
  });
  expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{8,64}$/);
  expect(headers['set-cookie']).toBeUndefined();
  expect(headers['content-type'] ?? '').not.toMatch(NEVER_TYPES);
  const code = headers['sekisho-code'];
  if (code !== undefined) expect(Object.keys(PUBLIC_CODES)).toContain(code);
  if (status >= 400 || code !== undefined) expectShortLife(answer);
  if (status === 429 || status === 503) {
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(headers['cache-control']).toBe('no-store');
  }
}

function expectShortLife({ headers }: Answer): void {
  const control = headers['cache-control'] ?? '';
  expect(control).not.toContain('immutable');
  const age = /max-age=(\d+)/.exec(control)?.[1];
  if (control !== 'no-store') expect(Number(age)).toBeLessThanOrEqual(ERROR_AGE_MAX_S);
}

/** A refusal with its status and public code, whose body is that code's constant one. */
export function expectRefusal(answer: Answer, status: number, code: keyof typeof PUBLIC_CODES): void {
  expect({ status: answer.status, code: answer.headers['sekisho-code'] }).toEqual({ status, code });
  expectMediaAnswer(answer);
  if (answer.body.length > 0) expect(JSON.parse(answer.body.toString())).toEqual({ code, message: PUBLIC_CODES[code] });
}

export interface Seen {
  readonly type: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly loop: number | undefined;
}

/** A whole picture: decoded here, not believed. */
export async function expectPicture(answer: Answer): Promise<Seen> {
  expect({ status: answer.status, complete: answer.complete, code: answer.headers['sekisho-code'] }).toEqual({ status: 200, complete: true, code: undefined });
  expectMediaAnswer(answer);
  expect(answer.headers['content-length']).toBe(String(answer.body.length));
  return await see(answer.body);
}

const FORMATS: Readonly<Record<string, string>> = { heif: 'image/avif', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', svg: 'image/svg+xml' };

export async function see(bytes: Buffer): Promise<Seen> {
  const { format, width, height, pages = 1, pageHeight, loop } = await sharp(bytes, { animated: true }).metadata();
  // All pixels: a header alone is no picture.
  await sharp(bytes, { animated: true }).raw().toBuffer();
  return { type: FORMATS[format] ?? format, width, height: pageHeight ?? height, frames: pages, loop };
}
