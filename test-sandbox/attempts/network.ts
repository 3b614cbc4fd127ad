// Out of the decoder: network, sockets, devices.

import type { Attempt } from './attempt.ts';

const CONNECTED = 'the connection to a server of the worker stands';
const OPENED = 'there is a descriptor';

export const NETWORK: readonly Attempt[] = [
  { name: 'tcp_connect', gain: 'the work Redis, and whatever the pod reaches', told: CONNECTED, heldBy: ['landlock_tcp', 'seccomp'] },
  { name: 'tcp_connect_ipv6', gain: 'the same over IPv6', told: CONNECTED, heldBy: ['landlock_tcp', 'seccomp'], mayLack: true },
  { name: 'mptcp_connect', gain: 'the same past rules that know TCP alone', told: CONNECTED, heldBy: ['seccomp'], mayLack: true },
  { name: 'tcp_fast_open', gain: 'the same without connect()', told: 'the byte is on its way', heldBy: ['seccomp'] },
  { name: 'tcp_listen', gain: 'a port that others can be led to', told: 'it listens', heldBy: ['landlock_tcp', 'seccomp'] },
  { name: 'tcp_listen_unbound', gain: 'the same without bind()', told: 'it listens', heldBy: ['seccomp'] },
  { name: 'udp_send', gain: 'data out, in DNS questions for one', told: 'the datagram is on its way', heldBy: ['seccomp'] },
  { name: 'socket_udp', gain: 'the socket for it', told: OPENED, heldBy: ['seccomp'] },
  { name: 'socket_inet6', gain: 'the socket for IPv6', told: OPENED, heldBy: ['seccomp'] },
  { name: 'socket_raw', gain: 'forged packets', told: OPENED, heldBy: ['seccomp'], needs: 'root' },
  { name: 'socket_packet', gain: 'the traffic of the pod', told: OPENED, heldBy: ['seccomp'], needs: 'root' },
  { name: 'socket_netlink', gain: 'routes, addresses, and large parts of the kernel', told: OPENED, heldBy: ['seccomp'] },
  { name: 'socket_alg', gain: 'the cryptography of the kernel, known for holes', told: OPENED, heldBy: ['seccomp'], mayLack: true },
  { name: 'socket_vsock', gain: 'the host of a virtual machine', told: OPENED, heldBy: ['seccomp'], mayLack: true },
  { name: 'unix_connect', gain: 'a service on the same machine, by its path', told: CONNECTED, heldBy: ['seccomp'] },
  { name: 'unix_abstract', gain: 'the same by an abstract name', told: CONNECTED, heldBy: ['landlock_scopes', 'seccomp'] },
  { name: 'socketpair', gain: 'sockets at all', told: OPENED, heldBy: ['seccomp'] },
  { name: 'send_descriptor', gain: 'descriptors put into the worker until it has none left', told: 'the message is on its way', heldBy: ['seccomp'] },
  { name: 'tiocsti', gain: 'keys typed into a terminal', told: 'the request comes to the device', heldBy: ['seccomp'] },
  { name: 'open_ptmx', gain: 'a terminal', told: OPENED, heldBy: ['landlock_files', 'seccomp'], mayLack: true },
  { name: 'js_connect', gain: 'tcp_connect by Node', told: CONNECTED, heldBy: ['landlock_tcp', 'seccomp'] },
  { name: 'js_udp_send', gain: 'udp_send by Node', told: 'the datagram is on its way', heldBy: ['seccomp'] },
  { name: 'js_inspector_open', gain: 'a debugger that others connect to', told: 'it listens', heldBy: ['landlock_tcp', 'seccomp'], alone: true },
];
