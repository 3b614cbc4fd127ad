// One request as Misskey makes them: node-fetch over hpagent's agents, with the proxy of its configuration.
//   node client.ts proxy|direct URL CA

import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { HttpProxyAgent, HttpsProxyAgent } from 'hpagent';
import fetch from 'node-fetch';

const ANSWER_MS = 15_000;

const [way = 'proxy', url = '', ca = ''] = process.argv.slice(2);
const { proxy } = JSON.parse(readFileSync('/misskey/built/._config_.json', 'utf8')) as { readonly proxy?: string };
if (way === 'proxy' && proxy === undefined) throw new Error('the configuration has no proxy');
const direct = new Agent({ ca });
const agents = proxy === undefined ? undefined : { https: new HttpsProxyAgent({ proxy, ca }), http: new HttpProxyAgent({ proxy }) };

try {
  const agent = (target: URL) => (way === 'direct' || agents === undefined ? direct : target.protocol === 'https:' ? agents.https : agents.http);
  const response = await fetch(url, { agent, signal: AbortSignal.timeout(ANSWER_MS), headers: { accept: 'application/activity+json' } });
  process.stdout.write(`${response.status} ${(await response.text()).slice(0, 100)}\n`);
} catch (error) {
  const { code, name, message } = error as Error & { readonly code?: string };
  process.stdout.write(`${code ?? name}: ${message}\n`);
}
process.exit();
