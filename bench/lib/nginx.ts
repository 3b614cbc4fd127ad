// nginx as the other side of `passthrough`: one worker, kept connections upstream, configuration in a folder of its own.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@sekisho/testkit/ports';
import { findProgram } from '../../scripts/set-up/programs.ts';
import { atEnd } from './cleanup.ts';
import { endProgram, whenListening } from './program.ts';

export interface Nginx {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Serves files of a folder. */
export const startNginxOrigin = async (files: string): Promise<Nginx> => await startNginx({ http: '', location: `root ${files}; default_type application/json;` });

/** Passes everything to a port of this machine. Buffers hold the largest answer, so that nothing goes to disk. */
export const startNginxProxy = async (originPort: number): Promise<Nginx> =>
  await startNginx({
    http: `upstream origin { server 127.0.0.1:${originPort}; keepalive 64; keepalive_requests 10000000; }`,
    location: `proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_buffer_size 16k; proxy_buffers 32 16k; proxy_busy_buffers_size 256k; proxy_max_temp_file_size 0;`,
  });

async function startNginx(parts: { readonly http: string; readonly location: string }): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-nginx-'));
  const port = await freePort('127.0.0.1');
  const path = join(folder, 'nginx.conf');
  writeFileSync(path, configOf({ ...parts, folder, port }));
  const child = spawn(findProgram('nginx') ?? 'nginx', ['-c', path, '-p', folder, '-e', join(folder, 'error.log')], { stdio: 'ignore' });
  const stop = atEnd(async () => {
    await endProgram(child, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  await whenListening(child, port);
  return { port, pid: child.pid ?? 0, stop };
}

/** As root nginx would read as nobody, who may not enter the folder. */
const configOf = (of: { readonly http: string; readonly location: string; readonly folder: string; readonly port: number }): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${of.folder}/pid;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path ${of.folder}/body; proxy_temp_path ${of.folder}/proxy; fastcgi_temp_path ${of.folder}/fastcgi;
  uwsgi_temp_path ${of.folder}/uwsgi; scgi_temp_path ${of.folder}/scgi;
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 10000000; open_file_cache max=16;
  ${of.http}
  server { listen 127.0.0.1:${of.port} backlog=2048; location / { ${of.location} } }
}
`;
