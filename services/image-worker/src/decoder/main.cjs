'use strict';
// The decoder child: `node --jitless main.cjs <raster|svg>`, empty environment, jobs on stdin, answers on stdout.
// It is meant to be taken over: it knows neither client nor URL nor Redis, and its parent believes nothing it says.

const { readJob, writeFrame } = require('./frames.cjs');
const { SVG, confine } = require('./operations.cjs');
const { reasonOf } = require('./refusal.cjs');
const { sharp } = require('./sharp-lean.cjs');
const { transform } = require('./transform.cjs');

const own = process.argv[2] === SVG ? SVG : 'raster';
confine(sharp, own);

async function serve() {
  writeFrame('ready', 0, {});
  for (let next = readJob(); next !== undefined; next = readJob()) {
    await answer(next);
  }
}

async function answer({ seq, job, body }) {
  if ((job.class === SVG) !== (own === SVG)) throw new Error('job of another class');
  let done;
  try {
    done = await transform(sharp, job, body);
  } catch (error) {
    writeFrame('refusal', seq, { reason: reasonOf(error) });
    return;
  }
  writeFrame('result', seq, done.result, done.body);
}

serve().then(
  () => process.reallyExit(0),
  () => process.reallyExit(1),
);
