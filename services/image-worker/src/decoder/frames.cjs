'use strict';
// The child's end of the decoder pipe; the contract is packages/contracts/src/decoder-pipe.ts and tests hold both ends
// together. Reads and writes block: between two pictures a decoder has nothing else to do.

const fs = require('node:fs');
const limits = require('./limits.cjs');

const HEADER_BYTES = 20;
const MAGIC = 0x31444b53;
const JSON_BYTES_MAX = 4_096;
const KINDS = { ready: 0, job: 1, result: 2, refusal: 3 };
const STDIN = 0;
const STDOUT = 1;

/** Exactly `length` bytes, or undefined at the end of the pipe. */
function readExact(length) {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let offset = 0; offset < length;) {
    const read = fs.readSync(STDIN, bytes, offset, length - offset, null);
    if (read === 0) return undefined;
    offset += read;
  }
  return bytes;
}

/** The next job as `{seq, job, body}`; undefined at the end of the pipe. */
function readJob() {
  const header = readExact(HEADER_BYTES);
  if (header === undefined) return undefined;
  const jsonBytes = header.readUInt32LE(12);
  const bodyBytes = header.readUInt32LE(16);
  const fits = header.readUInt32LE(0) === MAGIC && header.readUInt32LE(8) === KINDS.job
    && jsonBytes <= JSON_BYTES_MAX && bodyBytes <= limits.jobBytesMax;
  if (!fits) throw new Error('not a job frame');
  const json = readExact(jsonBytes);
  const body = readExact(bodyBytes);
  if (json === undefined || body === undefined) return undefined;
  const job = JSON.parse(json.toString('utf8'));
  if (typeof job?.class !== 'string' || typeof job.mode !== 'string') throw new Error('not a job');
  return { seq: header.readUInt32LE(4), job, body };
}

function writeFrame(kind, seq, value, body = Buffer.alloc(0)) {
  const json = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(seq, 4);
  header.writeUInt32LE(KINDS[kind], 8);
  header.writeUInt32LE(json.length, 12);
  header.writeUInt32LE(body.length, 16);
  writeAll(Buffer.concat([header, json]));
  writeAll(body);
}

function writeAll(bytes) {
  for (let offset = 0; offset < bytes.length;) offset += fs.writeSync(STDOUT, bytes, offset, bytes.length - offset);
}

module.exports = { readJob, writeFrame };
