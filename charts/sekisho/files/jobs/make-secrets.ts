// Makes the Secrets that a release needs and nobody has made: keys, tokens, and the passwords of the evaluation Redis. The
// users file of that Redis is brought to this version.
// Run by a Job before each installation and upgrade:  node make-secrets.ts plan.json
//
// The Secrets that exist are mounted. When they are complete, which is so on every run but the first and those that bring
// other users, nothing is asked of the API server: under the release's own default deny there is no route to it.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KubeAccess, askKube } from './kube-api.ts';
import { type Data, type WantedSecret, keysOf, lackingKeys } from './secret-data.ts';
import { SecretProblem, type Store, ensureSecret } from './secret-store.ts';

const ATTEMPTS_MAX = 20;
const PAUSE_MS = 1_000;
/** What other servers expect of the key of an actor. */
const RSA_BITS = 2_048;

/** What the chart writes into plan.json. */
export interface Plan {
  readonly namespace: string;
  readonly labels: Data;
  /** Seconds until the Job is killed. */
  readonly deadlineSeconds: number;
  readonly secrets: readonly WantedSecret[];
  /** Folder with one folder for each Secret, by its name. */
  readonly mounts: string;
  /** Folder with token, ca.crt and namespace. */
  readonly account: string;
  readonly aclTemplate: string;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
  readonly pauseMs?: number;
}

/** The exit code. */
export async function makeSecrets(plan: Plan, { env, print, pauseMs = PAUSE_MS }: Surroundings): Promise<number> {
  const aclTemplate = readFileSync(plan.aclTemplate, 'utf8');
  const open = plan.secrets.filter((wanted) => lackingKeys(wanted, readMount(plan, wanted), aclTemplate).length > 0);
  if (open.length === 0) {
    print(`all Secrets are there (${plan.secrets.map(({ name }) => name).join(', ')}): nothing to do`);
    return 0;
  }
  const until = Date.now() + plan.deadlineSeconds * 1_000 * 0.8;
  let failed = 0;
  for (const wanted of open) {
    try {
      print(`Secret ${wanted.name}: ${await ensureSoon(plan, { wanted, env, until, pauseMs })}`);
    } catch (error) {
      failed += 1;
      for (const line of explain(plan, wanted, error)) print(line);
    }
  }
  return failed === 0 ? 0 : 1;
}

function readMount(plan: Plan, wanted: WantedSecret): Data {
  const found = keysOf(wanted).map((key) => [key, join(plan.mounts, wanted.name, key)] as const).filter(([, path]) => existsSync(path));
  return Object.fromEntries(found.map(([key, path]) => [key, readFileSync(path, 'utf8')]));
}

interface Errand {
  readonly wanted: WantedSecret;
  readonly env: Surroundings['env'];
  readonly until: number;
  readonly pauseMs: number;
}

/** The network of a new pod may need a moment, and so may an API server that restarts. */
async function ensureSoon(plan: Plan, { wanted, env, until, pauseMs }: Errand): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ensureSecret(openStore(plan, env), wanted);
    } catch (error) {
      if (error instanceof SecretProblem || attempt >= ATTEMPTS_MAX || Date.now() + pauseMs >= until) throw error;
      await delay(pauseMs);
    }
  }
}

/** Reads the token anew each time: the kubelet renews it. */
function openStore(plan: Plan, env: Surroundings['env']): Store {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = Number(env['KUBERNETES_SERVICE_PORT']);
  if (host === undefined || !Number.isInteger(port)) throw new SecretProblem('KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this runs in a pod only');
  const access: KubeAccess = {
    host, port,
    token: readFileSync(join(plan.account, 'token'), 'utf8').trim(),
    ca: readFileSync(join(plan.account, 'ca.crt'), 'utf8'),
  };
  return {
    namespace: plan.namespace,
    labels: plan.labels,
    ask: async (asking) => await askKube(access, asking),
    ingredients: { random: randomBytes, rsaKey, aclTemplate: readFileSync(plan.aclTemplate, 'utf8') },
  };
}

const rsaKey = (): string => generateKeyPairSync('rsa', {
  modulusLength: RSA_BITS, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

function explain(plan: Plan, wanted: WantedSecret, error: unknown): readonly string[] {
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof SecretProblem) return [said, ...byHand(plan, wanted)];
  return [
    `Secret ${wanted.name} was neither made nor completed: ${said}`,
    'If the API server cannot be reached, a NetworkPolicy stands in between: set cluster.apiServerCIDRs to its addresses (kubectl get endpointslices -n default kubernetes).',
    ...byHand(plan, wanted),
  ];
}

function byHand(plan: Plan, wanted: WantedSecret): readonly string[] {
  if (wanted.kind === 'redis') return ['Or use a Redis of your own: redis.evaluation.enabled=false with redis.state.existingSecret and redis.work.existingSecret.'];
  if (wanted.kind === 'rsa') return [`Or make it by hand: openssl genrsa -out key.pem 2048 && kubectl -n ${plan.namespace} create secret generic ${wanted.name} --from-file=${wanted.key}=key.pem`];
  const literals = wanted.keys.map((key) => `--from-literal=${key}=$(openssl rand -hex 32)`).join(' ');
  return [`Or make it by hand: kubectl -n ${plan.namespace} create secret generic ${wanted.name} ${literals}`];
}

if (import.meta.main) {
  const plan = JSON.parse(readFileSync(process.argv[2] ?? 'plan.json', 'utf8')) as Plan;
  process.exitCode = await makeSecrets(plan, { env: process.env, print: (line) => process.stdout.write(`${line}\n`) });
}
