// What Misskey's router takes for an inbox, asked of that router itself (the version that Misskey 2026.3.2 has), with raw
// targets over a real socket.

import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type FastifyInstance, fastify } from 'fastify';
import { inboxRoute } from './route.ts';

const RUNS = 3_000;
const ANSWER_MS = 10_000;
const INBOX_STATUS = 299;

let app: FastifyInstance;
let port = 0;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
beforeAll(async () => {
  // As Misskey makes it, as far as routing goes: all of the router's options are left as they are.
  app = fastify({ logger: false });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  for (const path of ['/inbox', '/users/:user/inbox']) app.post(path, async (_request, reply) => await reply.code(INBOX_STATUS).send());
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  agent.destroy();
  await app.close();
});

async function reachesInbox(target: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const req = request({ agent, host: '127.0.0.1', port, method: 'POST', path: target, headers: { 'Content-Length': 0 }, timeout: ANSWER_MS }, (res) => {
    res.resume().once('end', () => resolve(res.statusCode === INBOX_STATUS));
  });
  // Some targets end the connection: the inbox would have answered. On a kept one the end may be that of the target before.
  req.once('error', () => resolve(req.reusedSocket && reachesInbox(target))).once('timeout', () => req.destroy(new Error('no answer')));
  req.end();
  return await promise;
}

/** Pieces of which tricky targets are made; what node:http refuses to send is left out. */
const PIECES = [
  '/', '/', '/', 'inbox', 'inbox', 'users', 'users', 'a', '9abc', '%2f', '%2F', '%69', 'nbox', '%2569', '%2e', '.', '..', ';', '?', '#', '\\', '//', '%', '%25', '%3f', '%23', '%00', '%0a',
  '%c3%a9', '%ff', 'INBOX', 'Users', 'x=1', ':', ':user', '*', '@', '~', '%20', '+', '%75', 'sers', 'http://a', '%5c', '%3b',
];
const targets = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join('')),
  fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 }).map((pieces) => `/users/${pieces.join('')}/inbox`),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map((pieces) => `/inbox${pieces.join('')}`),
);

describe('the router of Misskey', () => {
  it('takes nothing for an inbox that the policy leaves alone', async () => {
    const reached = { plain: 0, other: 0 };
    await fc.assert(fc.asyncProperty(targets, async (target) => {
      if (!(await reachesInbox(target))) return;
      expect(inboxRoute(target)).not.toBe('none');
      if (/^\/(?:inbox|users\/[\w.-]+\/inbox)(?:\?|$)/.test(target)) reached.plain += 1;
      else reached.other += 1;
    }), { numRuns: RUNS });
    // Without these the property would say nothing: forms that a look at the raw path misses do reach an inbox.
    expect(reached.plain).toBeGreaterThan(20);
    expect(reached.other).toBeGreaterThan(20);
  });

  it.each(['/inbox', '/inbox?x=1', '/users/9abc/inbox', '/users/alice.b_c-d/inbox?b=/c', '/users/@alice/inbox', `/users/${'a'.repeat(100)}/inbox`])('takes %s for one, and so does the policy', async (target) => {
    expect([await reachesInbox(target), inboxRoute(target)]).toEqual([true, 'inbox']);
  });

  it.each(['/%69nbox', '/users/a/%69nbox', '/users/a%2Fb/inbox', '/inbox#x', '/inbox;a'])('is asked with the target as it is: %s', async (target) => {
    expect([typeof (await reachesInbox(target)), inboxRoute(target)]).toEqual(['boolean', 'refused']);
  });
});
