'use strict';
// For tests only. Becomes the real decoder, with one difference: a job of the mode `attack` runs hostile code in it, as a
// picture would that has taken it over. A job of the mode `hold` keeps its bytes in memory.

const fs = require('node:fs');
const path = require('node:path');

const decoder = path.join(__dirname, '../../services/image-worker/src/decoder');
const transformer = require(path.join(decoder, 'transform.cjs'));
const { transform } = transformer;
const held = [];

/** On standard error, and before each attempt: it can be the last thing this process does. */
const tell = (line) => fs.writeSync(2, `${JSON.stringify(line)}\n`);

function loadAddon(file) {
  const addon = { exports: {} };
  process.dlopen(addon, file);
  return addon.exports;
}

async function attack(body) {
  const { facts, names } = JSON.parse(body.toString('utf8'));
  const scripted = require(facts.scripted);
  const native = loadAddon(facts.addon);
  for (const [key, value] of Object.entries(facts)) native.learn(`${key}=${value}`);
  for (const name of names) {
    tell({ begin: name });
    const verdict = Object.hasOwn(scripted.attempts, name) ? await scripted.verdictOn(name, facts) : native.attempt(name);
    tell({ attempt: name, verdict });
  }
  return { result: { attempts: names.length }, body: Buffer.alloc(1) };
}

function hold(body) {
  held.push(body);
  return { result: { held: body.length }, body: Buffer.alloc(1) };
}

transformer.transform = async (sharp, job, body) => {
  if (job.mode === 'attack') return await attack(body);
  return job.mode === 'hold' ? hold(body) : await transform(sharp, job, body);
};

require(path.join(decoder, 'main.cjs'));
