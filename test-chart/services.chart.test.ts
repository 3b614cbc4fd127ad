// The real services accept what the chart gives them: the reader of each service's configuration gets the environment
// and the files of each rendered pod, and for the defaults the program itself runs with --check-config. No table of
// names can drift from the programs.

import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfig as readFilterConfig } from '../services/dns-filter/src/config.ts';
import { readConfig as readProxyConfig } from '../services/egress-proxy/src/config.ts';
import { readConfig as readFetcherConfig } from '../services/fetcher/src/config.ts';
import { readGatewayConfig } from '../services/gateway/src/config.ts';
import { readConfig as readWorkerConfig } from '../services/image-worker/src/config.ts';
import { render, REQUIRED, VARIANTS } from '../scripts/chart/helm.ts';
import { type Service, SERVICES } from '../scripts/images/service.ts';
import { checkConfig, type Launch, launchesOf, launchOf, place } from './lib/launch.ts';

const READERS: Readonly<Record<Service, (env: NodeJS.ProcessEnv) => unknown>> = {
  gateway: readGatewayConfig, fetcher: readFetcherConfig, 'image-worker': readWorkerConfig, 'egress-proxy': readProxyConfig, 'dns-filter': (env) => readFilterConfig(env),
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const placed = (launch: Launch): Readonly<Record<string, string>> => {
  const { folder, env } = place(launch);
  folders.push(folder);
  return env;
};
const run = (launch: Launch): ReturnType<typeof checkConfig> => checkConfig(launch.service, placed(launch));

const launches = VARIANTS.flatMap(({ name, options }) => {
  const objects = render(options);
  return SERVICES.flatMap((service) => launchesOf(service, objects).map((launch) => ({ name, service, launch })));
});
const ofDefaults = (service: Service): Launch => launchOf(service, render({ values: REQUIRED }));

it('has a configuration of each service in each variant', () => {
  // The filter stands beside fetcher and egress-proxy and beside a test.
  const some = (service: Service): number => launches.filter((one) => one.service === service).length;
  expect([some('gateway'), some('fetcher'), some('image-worker')]).toEqual(Array.from({ length: 3 }, () => VARIANTS.length));
  expect(some('egress-proxy')).toBeGreaterThan(VARIANTS.length / 2);
  expect(some('dns-filter')).toBeGreaterThan(VARIANTS.length);
  expect(new Set(launches.map(({ launch }) => JSON.stringify(launch))).size).toBeGreaterThan(VARIANTS.length);
});

it.each(launches)('$name: the $service accepts its configuration', ({ service, launch }) => {
  expect(() => READERS[service](placed(launch))).not.toThrow();
});

describe('--check-config', () => {
  it.each(SERVICES)('%s: accepts the defaults', (service) => {
    expect(run(ofDefaults(service))).toMatchObject({ status: 0 });
  });

  it('refuses the variables of service links, which enableServiceLinks: false keeps away', () => {
    const launch = ofDefaults('gateway');
    const { status, output } = run({ ...launch, env: { ...launch.env, SEKISHO_GATEWAY_PORT: 'tcp://10.96.3.4:80' } });
    expect(status).not.toBe(0);
    expect(output).toContain('SEKISHO_GATEWAY_PORT');
  });

  it('refuses a name nobody knows', () => {
    const launch = ofDefaults('image-worker');
    expect(run({ ...launch, env: { ...launch.env, SEKISHO_DECODER_SLOT: '2' } })).toMatchObject({ status: 1, output: expect.stringContaining('SEKISHO_DECODER_SLOTS') });
  });
});

describe('controls', () => {
  it('a file that is not mounted is refused', () => {
    const launch = ofDefaults('gateway');
    const env = placed({ ...launch, files: launch.files.filter(({ path }) => !path.endsWith('cache-key')) });
    expect(() => readGatewayConfig(env)).toThrow(/SEKISHO_CACHE_KEY_FILE/);
  });

  it('a cluster whose Services are public and undeclared is refused by the value to set', () => {
    const launch = ofDefaults('fetcher');
    expect(() => readFetcherConfig({ ...placed(launch), KUBERNETES_SERVICE_HOST: '34.118.224.1' })).toThrow(/cluster\.denyCIDRs/);
  });

  it('the node and the pod are among the denied addresses, both families', () => {
    const { denyCidrs } = readFetcherConfig(placed(ofDefaults('fetcher')));
    expect(denyCidrs).toEqual(expect.arrayContaining(['172.31.0.10', 'fd00:31::10', '10.88.0.7', 'fd00:88::7', '10.96.0.1']));
  });
});
