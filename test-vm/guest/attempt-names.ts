// What the probe of test-sandbox tries and AppArmor can forbid, and what probe.cjs adds; in the order in which it runs:
// what may change the process itself comes last.

export const ATTEMPTS = [
  'open_passwd', 'open_shadow', 'sa_token', 'redis_password', 'list_folder', 'write_tmp', 'unnamed_file', 'mkdir_tmp', 'unlink', 'truncate', 'chmod',
  'chown', 'rename', 'symlink', 'link', 'mkfifo', 'tcp_connect', 'tcp_listen', 'udp_send', 'socket_udp', 'socket_inet6', 'socket_raw', 'socket_packet',
  'socket_netlink', 'parent_environ', 'parent_mem', 'parent_maps', 'kill_parent_term0', 'kill_parent', 'kill_pid1', 'tgkill_parent', 'ptrace_attach',
  'process_vm_readv', 'fsopen', 'sethostname', 'bpf', 'perf_event_open', 'change_label', 'order_label', 'execute_launcher', 'execute_node',
  'execute_shell', 'pivot/chroot',
] as const;
