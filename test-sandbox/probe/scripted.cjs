'use strict';
// Attempts through what Node itself offers. Each returns when it has won, throws when it was refused.

/** Codes that are a refusal; every other error is one of the test. */
const REFUSALS = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ENODATA', 'ERR_DLOPEN_FAILED', 'ERR_WORKER_OUT_OF_MEMORY']);
/** A limit on the size of files, where it is the only wall. */
const ALSO = { js_write: 'EFBIG' };
const REPLY_MS = 10_000;

const refuse = (code) => {
  throw Object.assign(new Error(code), { code });
};

/** The first of the named events; `error` throws. */
function once(emitter, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(Object.assign(new Error('no event'), { code: 'ETIMEDOUT' })), REPLY_MS);
    emitter.once(event, (value) => {
      clearTimeout(timer);
      resolve(value);
    });
    emitter.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

const attempts = {
  js_spawn: () => {
    const { error } = require('node:child_process').spawnSync('/bin/sh', ['-c', 'exit 0']);
    if (error !== undefined) throw error;
  },
  js_read: ({ secret }) => require('node:fs').readFileSync(secret),
  js_write: ({ folder }) => {
    const fs = require('node:fs');
    fs.writeFileSync(`${folder}/made-by-js`, 'x');
    fs.unlinkSync(`${folder}/made-by-js`);
  },
  js_kill: ({ parent }) => process.kill(Number(parent), 'SIGWINCH'),
  js_debug_process: ({ parent }) => process._debugProcess(Number(parent)),
  js_inspector_open: () => {
    const inspector = require('node:inspector');
    // What goes wrong is told on standard error only.
    inspector.open(0, '127.0.0.1');
    if (inspector.url() === undefined) refuse('EPERM');
    inspector.close();
  },
  js_connect: async ({ port }) => {
    const socket = require('node:net').connect(Number(port), '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
  },
  js_udp_send: async ({ udp }) => {
    const socket = require('node:dgram').createSocket('udp4');
    const sent = new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.send('x', Number(udp), '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
    await sent.finally(() => socket.close());
  },
  js_dlopen: ({ library }) => process.dlopen({ exports: {} }, library),
  // A thread of its own is no gain; one outside the walls would be.
  js_thread_read: async ({ secret }) => {
    const { Worker } = require('node:worker_threads');
    const code = `const { parentPort, workerData } = require('node:worker_threads');
      try { require('node:fs').readFileSync(workerData); parentPort.postMessage('read'); } catch (error) { parentPort.postMessage(error.code); }`;
    const worker = new Worker(code, { eval: true, workerData: secret });
    const answer = await once(worker, 'message');
    await worker.terminate();
    if (answer !== 'read') refuse(answer);
  },
  // Set by a script that NODE_OPTIONS of the worker names.
  js_node_options: () => {
    if (globalThis.sekishoProbeRequired !== true) refuse('ENODATA');
  },
  // Compiling it takes memory that is written and then run.
  js_wasm: () => {
    if (typeof WebAssembly === 'undefined') refuse('ENOSYS');
    return new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  },
};

async function verdictOn(name, facts) {
  try {
    await attempts[name](facts);
    return 'success';
  } catch (error) {
    const code = String(error?.code ?? error?.message);
    return `${REFUSALS.has(code) || ALSO[name] === code ? 'refused' : 'error'} ${code}`;
  }
}

module.exports = { attempts, verdictOn };
