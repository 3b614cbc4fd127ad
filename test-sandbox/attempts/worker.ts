// What a worker would hand to its decoders by mistake.

import type { Attempt, Wall } from './attempt.ts';

const CLOSED: readonly Wall[] = ['descriptors'];
const EMPTY: readonly Wall[] = ['environment'];

export const WORKER_ATTEMPTS: readonly Attempt[] = [
  { name: 'inherited_secret', gain: 'a file that the worker has open', told: 'a byte is read', heldBy: CLOSED },
  { name: 'inherited_write', gain: 'a file that the worker writes', told: 'a byte is written', heldBy: ['descriptors', 'limits'] },
  { name: 'inherited_socket', gain: 'the connection of the worker to its Redis', told: 'a byte is written', heldBy: CLOSED },
  { name: 'inherited_any', gain: 'any file, folder or socket of the worker', told: 'one of the descriptors 3 to 63 is one', heldBy: CLOSED },
  { name: 'environment_secret', gain: 'passwords in the environment', told: 'it is found there', heldBy: EMPTY },
  { name: 'ld_preload', gain: 'a library in every decoder', told: 'it has left its mark', heldBy: EMPTY },
  { name: 'ld_library_path', gain: 'another library in the place of one', told: 'it is loaded by its name', heldBy: EMPTY },
  { name: 'openssl_conf', gain: 'a module of OpenSSL in every decoder', told: 'it has left its mark', heldBy: EMPTY },
  { name: 'js_node_options', gain: 'a script in every decoder', told: 'it has left its mark', heldBy: EMPTY },
];
