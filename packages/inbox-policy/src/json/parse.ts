// A JSON reader that accepts only what every reader understands alike. Misskey's own takes a byte order mark, broken UTF-8,
// the last of two equal keys and any depth; each of these lets a body be judged as one activity and processed as another,
// or overflows the stack when the job is written.

import { TextDecoder } from 'node:util';
import { type Code, INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { Denied, JsonObject, JsonValue } from '../types.ts';
import { EMPTY, keepNumbersApart, mayBeNumber, WEIGHT } from './objects.ts';
import { longerThan, readString } from './strings.ts';

export interface JsonLimits {
  /** Nesting of objects and arrays; the body itself is the first level. */
  readonly depthMax: number;
  /** Values of every kind: scalars and arrays as one, objects as what they weigh. Keys are not counted. */
  readonly nodesMax: number;
  /** Of a string or key, in UTF-8 after unescaping. */
  readonly stringBytesMax: number;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?/iy;
const BYTE_ORDER_MARK = 0xfeff;

/** RFC 8259, strict UTF-8, top level an object. Objects have no prototype. Linear in the number of bytes. */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = INBOX_LIMITS): { readonly ok: true; readonly value: JsonObject } | Denied {
  const text = decode(bytes);
  if (text === undefined) return deny('SEKISHO_INBOX_UTF8', 'not UTF-8');
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) return deny('SEKISHO_INBOX_UTF8', 'a byte order mark');
  try {
    return { ok: true, value: new Reader(text, limits).document() };
  } catch (error) {
    if (error instanceof Refusal) return deny(error.code, error.message);
    throw error;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

class Refusal extends Error {
  readonly code: Code;
  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

class Reader {
  readonly #text: string;
  readonly #limits: JsonLimits;
  #at = 0;
  #nodes = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): JsonObject {
    this.#space();
    if (this.#text[this.#at] !== '{') throw this.#syntax('the top level is no object');
    const value = this.#object(1);
    this.#space();
    if (this.#at < this.#text.length) throw this.#syntax('something after the object');
    return value;
  }

  #value(depth: number): JsonValue {
    const first = this.#text.charAt(this.#at);
    if (first === '{') return this.#object(depth + 1);
    this.#count(1);
    switch (first) {
      case '[': return this.#array(depth + 1);
      case '"': return this.#string();
      case 't': return this.#word('true', true);
      case 'f': return this.#word('false', false);
      case 'n': return this.#word('null', null);
      default: return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    this.#count(WEIGHT.object);
    this.#enter(depth);
    if (this.#take('}')) return EMPTY;
    const object: Record<string, JsonValue> = Object.create(null);
    let hasNumbers = false;
    do {
      this.#space();
      const key = this.#key();
      // Written in escapes it is the same key: the comparison is made on what was read.
      if (key === '__proto__') throw new Refusal('SEKISHO_INBOX_JSON_KEYS', 'a key __proto__');
      if (key in object) throw new Refusal('SEKISHO_INBOX_JSON_KEYS', `a key twice${this.#position()}`);
      if (!hasNumbers && mayBeNumber(key)) {
        hasNumbers = true;
        this.#count(WEIGHT.numbers);
        keepNumbersApart(object);
      }
      this.#expect(':');
      this.#space();
      object[key] = this.#value(depth);
    } while (this.#take(','));
    this.#expect('}');
    return object;
  }

  #array(depth: number): readonly JsonValue[] {
    this.#enter(depth);
    const array: JsonValue[] = [];
    if (this.#take(']')) return array;
    do {
      this.#space();
      array.push(this.#value(depth));
    } while (this.#take(','));
    this.#expect(']');
    // Without the room for 16 more that pushing leaves: lists of one in each other would take four times the memory.
    return array.slice();
  }

  #enter(depth: number): void {
    if (depth > this.#limits.depthMax) throw new Refusal('SEKISHO_INBOX_JSON_LIMIT', `nested more than ${this.#limits.depthMax} levels`);
    this.#at++;
  }

  #key(): string {
    if (this.#text[this.#at] !== '"') throw this.#syntax('a key was expected');
    return this.#string();
  }

  #string(): string {
    const literal = readString(this.#text, this.#at + 1);
    if (!literal.ok) throw this.#syntax(literal.problem);
    if (longerThan(literal.value, this.#limits.stringBytesMax)) {
      throw new Refusal('SEKISHO_INBOX_JSON_LIMIT', `a string of more than ${this.#limits.stringBytesMax} bytes`);
    }
    this.#at = literal.end;
    return literal.value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw this.#syntax('a value was expected');
    this.#at = NUMBER.lastIndex;
    return Number(match[0]);
  }

  #word<T extends boolean | null>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#syntax('a value was expected');
    this.#at += word.length;
    return value;
  }

  #count(weight: number): void {
    this.#nodes += weight;
    if (this.#nodes > this.#limits.nodesMax) throw new Refusal('SEKISHO_INBOX_JSON_LIMIT', `more than ${this.#limits.nodesMax} values`);
  }

  /** Skips white space and takes the character if it is there. */
  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#syntax(`${character} was expected`);
  }

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }

  #syntax(what: string): Refusal {
    return new Refusal('SEKISHO_INBOX_JSON', what + this.#position());
  }

  #position(): string {
    return `, at character ${this.#at}`;
  }
}
