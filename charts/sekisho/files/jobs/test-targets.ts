// helm test: the gateway fetches nothing from inside. Whatever a stranger may write as the address of a picture, the
// cluster and the machine's metadata are refused, and all in the same words.

import { isIPv6 } from 'node:net';
import { ask, picturePath, words } from './test-http.ts';
import { type PodTest, runPodTest } from './test-report.ts';

/** What is to be refused; https, so that it does not depend on fetcher.plainHttp. */
function forbiddenTargets(env: Readonly<Record<string, string | undefined>>, clusterDomain: string): readonly string[] {
  const { POD_IP: pod, NODE_IP: node, KUBERNETES_SERVICE_HOST: api } = env;
  return [
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/latest/meta-data/',
    'https://[::ffff:169.254.169.254]/',
    'https://[::1]/',
    'https://127.0.0.1/',
    'https://localhost/',
    `https://kubernetes.default.svc.${clusterDomain}/`,
    ...[pod, node, api].flatMap((address = '') => (address === '' ? [] : [`https://${isIPv6(address) ? `[${address}]` : address}/`])),
  ];
}

export const testTargets: PodTest = async (plan, report, env) => {
  const { gateway, publicUrl } = plan;
  for (const url of forbiddenTargets(env, plan.clusterDomain)) {
    const answer = await ask({ host: gateway.host, port: gateway.port, publicUrl, path: picturePath(url) });
    report.check(answer.status === 403 && answer.code === 'FORBIDDEN_TARGET', `${url} is refused (${words(answer)})`);
  }
};

if (import.meta.main) await runPodTest(testTargets);
