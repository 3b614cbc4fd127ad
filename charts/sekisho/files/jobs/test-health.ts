// helm test: the gateway answers through its Service. Its media routes answer by themselves; pages need Misskey, whose
// absence is said but is no fault of the installation.

import { setTimeout as delay } from 'node:timers/promises';
import { ask, words } from './test-http.ts';
import { type PodTest, runPodTest } from './test-report.ts';

const ATTEMPTS_MAX = 15;
const PAUSE_MS = 2_000;

export const testHealth: PodTest = async (plan, report) => {
  const { gateway, publicUrl } = plan;
  const target = { host: gateway.host, port: gateway.port, publicUrl };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask({ ...target, path: '/proxy/image.webp' }).catch((error: Error) => error);
    // A request without a URL is refused by the gateway itself.
    const right = !(answer instanceof Error) && answer.status === 400 && answer.code !== undefined;
    if (!right && attempt < ATTEMPTS_MAX) {
      await delay(PAUSE_MS);
      continue;
    }
    report.check(right, `the gateway answers through its Service ${gateway.host}:${gateway.port} (${answer instanceof Error ? answer.message : words(answer)})`);
    if (!right) return;
    break;
  }
  const page = await ask({ ...target, path: '/' });
  report.check(page.status < 500 || page.status === 503, `a page of Misskey is passed on (${words(page)})`);
  if (page.status === 503) report.say('note: Misskey does not answer; the gateway says 503 with Retry-After for its pages, and media goes on');
};

if (import.meta.main) await runPodTest(testHealth);
