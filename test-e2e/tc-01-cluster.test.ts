// What every other case stands on: Services, names, Pod Security, seccomp, logs, exec and port-forward of this cluster.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Manifest, apply, exec, inUrl, logsOf, namespace, podsOf, readyPodOf, serviceIps, statusOf } from './lib/cluster.ts';
import { context } from './lib/context.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet, publish } from './lib/internet.ts';
import { nodeDeployment, sourceFiles } from './lib/node-pod.ts';
import { portForward } from './lib/port-forward.ts';
import { deployment, waitReady } from './lib/ready.ts';
import { dropNamespaces, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-basics';
const SERVER = 'require("http").createServer((q, r) => r.end("hello " + q.socket.remoteAddress)).listen(8080, "::", () => console.log("started"))';
const service: Manifest = {
  apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: NAMESPACE },
  spec: { ipFamilyPolicy: 'PreferDualStack', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
};
let client: Client;

const text = (body: string): string => Buffer.from(body, 'base64').toString();
const getText = async (url: string): Promise<string> => {
  const reply = await client.ask(url, { timeoutMs: 4_000 });
  return reply.status === 0 ? reply.error : text(reply.body);
};

beforeAll(async () => {
  await removeNamespace(NAMESPACE);
  await apply(
    namespace(NAMESPACE), sourceFiles('web-files', NAMESPACE, 'test-e2e/lib/in-pod'), service,
    nodeDeployment({ name: 'web', namespace: NAMESPACE, files: 'web-files', args: ['-e', SERVER], ports: { http: 8_080 }, readiness: { httpGet: { port: 'http' } }, replicas: 2 }),
  );
  client = await clientPod();
  await waitReady(deployment(NAMESPACE, 'web'));
});
afterAll(async () => {
  await dropNamespaces(NAMESPACE);
});

describe('network', () => {
  it('answers by the name and every address of a Service, and shows the caller as it is', async () => {
    // kube-proxy writes at most once in a second, and the name is asked for again after 5 s.
    await until(async () => (await getText(`http://web.${NAMESPACE}.svc/`)).startsWith('hello'), { what: 'the Service', timeoutMs: 30_000 });
    for (const ip of await serviceIps(NAMESPACE, 'web')) {
      const seen = await getText(`http://${inUrl(ip)}/`);
      expect(client.pod.ips.some((own) => seen.endsWith(own))).toBe(true);
    }
  });

  it('says of an unknown name that it is unknown, and of a closed port that it is closed', async () => {
    const [web] = await podsOf(NAMESPACE, 'app=web');
    expect(await client.connect([{ host: 'nowhere.example', port: 80 }, { host: web?.ip ?? '', port: 81 }])).toEqual(['ENOTFOUND', 'ECONNREFUSED']);
  });
});

describeWithInternet('the simulated internet', () => {
  it('is reached by name and address in both families, and counts who comes', async () => {
    const bytes = Buffer.from('from outside');
    const published = await publish(bytes, { type: 'text/plain' });
    for (const host of ['a.origin.example', '203.0.113.77', '198.51.100.7', '[2001:db8:9::1]']) {
      expect(await getText(`http://${host}${published.path}`)).toBe('from outside');
    }
    expect(await published.hits()).toBe(4);
  });
});

describe('security', () => {
  it('refuses a pod that is not restricted, by the name of the rule', async () => {
    const bare: Manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare', namespace: NAMESPACE }, spec: { containers: [{ name: 'a', image: 'localhost/none:1' }] } };
    const error: unknown = await apply(bare).catch((fault: unknown) => fault);
    expect(statusOf(error)).toBe(403);
    expect(String(error)).toContain('violates PodSecurity');
  });

  it('runs pods without capabilities, without new privileges, under seccomp, with a read-only root', async () => {
    const { stdout } = await exec(client.pod, ['/usr/local/bin/node', '-e', 'const s=fs.readFileSync("/proc/self/status","utf8");let w;try{fs.writeFileSync("/x","")}catch(e){w=e.code};console.log(JSON.stringify([/CapEff:\\s+(\\S+)/.exec(s)[1],/NoNewPrivs:\\s+(\\d)/.exec(s)[1],/Seccomp:\\s+(\\d)/.exec(s)[1],w]))']);
    expect(JSON.parse(stdout)).toEqual(['0000000000000000', '1', '2', 'EROFS']);
  });
});

(context().isOwn ? describe : describe.skip)('the node', () => {
  it('enforces a seccomp profile of its own folder', async () => {
    const { writeFileSync } = await import('node:fs');
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['sethostname', 'fchmod', 'fchmodat', 'chmod'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }] };
    // The cases run beside the node and see its disk.
    writeFileSync('/var/lib/kubelet/seccomp/no-chmod.json', JSON.stringify(profile));
    const held = await clientPod({ name: 'client-no-chmod', seccompProfile: { type: 'Localhost', localhostProfile: 'no-chmod.json' } });
    const chmod = 'let c="allowed";try{(await import("node:fs")).chmodSync("/proc/self/comm",0o600)}catch(e){c=e.code};console.log(c)';
    expect((await held.run(chmod)).trim()).toBe('ENOSYS');
    // The control: the kernel itself answers otherwise.
    expect((await client.run(chmod)).trim()).not.toBe('ENOSYS');
  });
});

describe('kubelet', () => {
  it('gives logs, exit codes of exec and forwarded ports', async () => {
    const web = await readyPodOf(NAMESPACE, 'app=web');
    if (web === undefined) throw new Error('no pod');
    expect(await logsOf(web)).toContain('started');
    expect(await exec(web, ['/usr/local/bin/node', '-e', 'console.log(1);console.error(2);process.exit(7)'])).toEqual({ code: 7, stdout: '1\n', stderr: '2\n' });
    const forwarded = await portForward(web, 8_080);
    try {
      expect(await (await fetch(forwarded.url, { signal: AbortSignal.timeout(5_000) })).text()).toMatch(/^hello .*127\.0\.0\.1/);
    } finally {
      await forwarded.stop();
    }
  });
});
