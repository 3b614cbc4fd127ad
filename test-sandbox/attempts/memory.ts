// Code of one's own, and more of the machine than a picture may cost.

import type { Attempt, Wall } from './attempt.ts';

const WX: readonly Wall[] = ['wx'];
const FILTER: readonly Wall[] = ['seccomp'];
const LIMITS: readonly Wall[] = ['limits'];
const RAN = 'code that was written has run';
const OPENED = 'there is a descriptor';

const code: readonly Attempt[] = [
  { name: 'mmap_exec_anon', gain: 'machine code of the attacker', told: RAN, heldBy: WX },
  { name: 'mmap_exec_file', gain: 'the same in a private copy of a file', told: RAN, heldBy: WX },
  { name: 'mprotect_exec', gain: 'the same in two steps', told: RAN, heldBy: WX },
  { name: 'pkey_mprotect_exec', gain: 'the same by another call', told: RAN, heldBy: FILTER, mayLack: true },
  { name: 'mprotect_code', gain: 'code that is there becomes another', told: 'the page is writable and executable', heldBy: WX },
  { name: 'self_mem_write', gain: 'the same past every protection of pages', told: 'a page of code is written', heldBy: ['landlock_files', 'seccomp'] },
  { name: 'written_file_exec', gain: 'machine code by way of a file', told: RAN, heldBy: ['limits', 'landlock_files', 'seccomp', 'wx'] },
  { name: 'memfd_create', gain: 'a file in memory, for a program or for others', told: OPENED, heldBy: FILTER },
  { name: 'memfd_map_exec', gain: 'machine code by way of it', told: RAN, heldBy: ['limits', 'seccomp', 'wx'] },
  { name: 'personality_exec', gain: 'everything readable is executable', told: RAN, heldBy: FILTER, alone: true },
  { name: 'dlopen_outside', gain: 'a library from elsewhere', told: 'it is loaded', heldBy: ['landlock_files'] },
  { name: 'js_dlopen', gain: 'an add-on from elsewhere, by Node', told: 'it is loaded', heldBy: ['landlock_files'] },
  { name: 'js_wasm', gain: 'a compiler of machine code', told: 'it compiles', heldBy: ['jitless'] },
  { name: 'userfaultfd', gain: 'time in the middle of the kernel, the tool of many exploits', told: OPENED, heldBy: FILTER, mayLack: true },
  { name: 'int80', gain: 'calls that the filter reads wrongly, as 32-bit programs make them', told: 'the call returns', heldBy: ['seccomp', 'wx'], alone: true, mayLack: true },
  { name: 'x32', gain: 'the same as x32 programs make them', told: 'the call returns', heldBy: ['seccomp', 'wx'], mayLack: true },
];

const cost: readonly Attempt[] = [
  { name: 'memory_hog', gain: 'the memory of the pod', told: '4 GiB are there', heldBy: LIMITS },
  { name: 'descriptor_flood', gain: 'descriptors without end', told: '200 are there', heldBy: LIMITS },
  { name: 'cpu_unlimited', gain: 'the processor without end, should the worker hang', told: 'the kernel says that there is no limit', heldBy: LIMITS },
  { name: 'file_size_unlimited', gain: 'files of any size', told: 'the kernel says that there is no limit', heldBy: LIMITS },
  { name: 'core_dump', gain: 'the memory of a crashed decoder on a disk', told: 'the kernel says that there is no limit', heldBy: LIMITS },
  { name: 'raise_limits', gain: 'all of these', told: 'the call returns', heldBy: FILTER, needs: 'sysResource', alone: true },
];

export const MEMORY_ATTEMPTS: readonly Attempt[] = [...code, ...cost];
