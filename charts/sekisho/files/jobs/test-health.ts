// helm test: the gateway answers through its Service. Its media routes answer by themselves; pages need Misskey, whose
// absence is said but is no fault of the installation.

import { type Answer, ask, words } from './test-http.ts';
import { type Patience, type PodTest, lookUntil, runPodTest } from './test-report.ts';

/** With one request that hangs at the end still well below the pod's deadline. */
const READY: Patience = { withinMs: 30_000, pauseMs: 2_000 };

/** A request without a URL is refused by the gateway itself. */
const isRefusal = (answer: Answer | Error): boolean => !(answer instanceof Error) && answer.status === 400 && answer.code !== undefined;

export const testHealthWithin = (ready: Patience): PodTest => async (plan, report) => {
  const { gateway, publicUrl } = plan;
  const target = { host: gateway.host, port: gateway.port, publicUrl };
  const askWithoutUrl = async (): Promise<Answer | Error> => await ask({ ...target, path: '/proxy/image.webp' }).catch((error: Error) => error);
  const answer = await lookUntil(askWithoutUrl, isRefusal, ready);
  if (!report.check(isRefusal(answer), `the gateway answers through its Service ${gateway.host}:${gateway.port} (${answer instanceof Error ? answer.message : words(answer)})`)) return;
  const page = await ask({ ...target, path: '/' });
  report.check(page.status < 500 || page.status === 503, `a page of Misskey is passed on (${words(page)})`);
  if (page.status === 503) report.say('note: Misskey does not answer; the gateway says 503 with Retry-After for its pages, and media goes on');
};

if (import.meta.main) await runPodTest(testHealthWithin(READY));
