// The virtual machine: emulated (no KVM is asked for, the device may exist and not work), without disk and network, its
// serial line is its only way out.

import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../scripts/set-up/programs.ts';
import { join as joinArchives, pack } from './archive.ts';
import { ensureBase } from './base.ts';
import { ensureKernel } from './kernel.ts';
import { layOver } from './overlay.ts';
import { draftFolder, stateFolder } from './state.ts';

const MEMORY_MIB = 1_536;
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;
const KERNEL_OPTIONS = 'console=ttyS0 panic=-1 quiet loglevel=1 printk.time=0 apparmor=1 security=apparmor audit=1 audit_backlog_limit=8192 audit_rate_limit=0';

export interface Boot {
  readonly output: string;
  readonly preparedMs: number;
  readonly ranMs: number;
}

/** Boots, waits until the machine turns itself off, and returns what it said. @throws when it takes longer than `deadlineMs`. */
export async function bootMachine(deadlineMs: number): Promise<Boot> {
  const beganMs = performance.now();
  const kernel = ensureKernel();
  const base = ensureBase();
  const draft = draftFolder();
  try {
    const root = join(draft, 'root');
    mkdirSync(root);
    layOver(root);
    pack(root, join(draft, 'overlay.cpio'));
    joinArchives([base, join(draft, 'overlay.cpio')], join(draft, 'initramfs.cpio'));
    const preparedMs = performance.now() - beganMs;
    const output = await emulate(kernel, join(draft, 'initramfs.cpio'), deadlineMs);
    return { output, preparedMs, ranMs: performance.now() - beganMs - preparedMs };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function emulate(kernel: string, archive: string, deadlineMs: number): Promise<string> {
  const args = [
    '-M', 'q35', '-cpu', 'max', '-accel', 'tcg,thread=multi', '-smp', '2', '-m', String(MEMORY_MIB), '-nodefaults', '-display', 'none',
    '-serial', 'stdio', '-no-reboot', '-kernel', kernel, '-initrd', archive, '-append', KERNEL_OPTIONS,
  ];
  const machine = spawn(findProgram('qemu-system-x86_64') ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  // A test run that is broken off takes its machine with it.
  const end = (): void => void machine.kill('SIGKILL');
  process.once('exit', end);
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString('latin1');
    if (output.length > OUTPUT_BYTES_MAX) end();
  };
  machine.stdout.on('data', take);
  machine.stderr.on('data', take);
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end();
    }, deadlineMs);
    machine.once('error', reject);
    machine.once('close', () => {
      clearTimeout(timer);
      process.off('exit', end);
      // For the person who reads a failure.
      writeFileSync(join(stateFolder('console'), 'last.log'), output);
      if (late) reject(new Error(`the machine was still running after ${deadlineMs} ms; its last words:\n${output.slice(-4_000)}`));
      else resolve(output);
    });
  });
}
