import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { freePort } from './ports.ts';

describe('freePort()', () => {
  it('gives each port once, and none that the kernel gives to connections', async () => {
    const [first = '0'] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
    const ports = await Promise.all(Array.from({ length: 200 }, async () => await freePort()));
    expect(new Set(ports).size).toBe(200);
    for (const port of ports) expect(port).toBeLessThan(Number(first));
  });

  it('gives a port on which TCP and UDP listen at once', async () => {
    const port = await freePort();
    const tcp = createServer().listen(port, '127.0.0.1');
    const udp = createSocket('udp4').bind(port, '127.0.0.1');
    await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
    tcp.close();
    udp.close();
  });
});
