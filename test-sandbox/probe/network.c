// Out of the machine: TCP, UDP, and the ways around rules that know TCP alone.
#include "probe.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { MPTCP = 262, FASTOPEN = 0x20000000 };

static struct sockaddr_in local(long port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/** ENOPROTOOPT and relatives: the kernel is built without this kind of socket. */
static long open_socket(int family, int type, int protocol) {
  int fd = socket(family, type, protocol);
  if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) return ABSENT;
  return fd;
}

static long finish(int fd, long result) {
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static long connect_with(int protocol) {
  if (number("port") < 0) return ABSENT;
  long fd = open_socket(AF_INET, SOCK_STREAM, protocol);
  if (fd < 0) return fd;
  struct sockaddr_in to = local(number("port"));
  return finish(fd, connect(fd, (void *)&to, sizeof to));
}

static long tcp_connect(void) { return connect_with(0); }
/** Rules for TCP do not mean MPTCP, which speaks TCP to whoever knows nothing else. */
static long mptcp_connect(void) { return connect_with(MPTCP); }

static long tcp_connect_ipv6(void) {
  if (number("port6") < 0) return ABSENT;
  long fd = open_socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(number("port6")), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  return finish(fd, connect(fd, (void *)&to, sizeof to));
}

/** Connects while it sends, without the call that rules look at. */
static long tcp_fast_open(void) {
  if (number("port") < 0) return ABSENT;
  long fd = open_socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  struct sockaddr_in to = local(number("port"));
  return finish(fd, sendto(fd, "x", 1, FASTOPEN, (void *)&to, sizeof to));
}

static long tcp_listen(void) {
  long fd = open_socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return fd;
  struct sockaddr_in at = local(0);
  return finish(fd, bind(fd, (void *)&at, sizeof at) ? -1 : listen(fd, 1));
}

/** Without bind the kernel takes a free port of every address. */
static long tcp_listen_unbound(void) {
  long fd = open_socket(AF_INET, SOCK_STREAM, 0);
  return fd < 0 ? fd : finish(fd, listen(fd, 1));
}

static long udp_send(void) {
  if (number("udp") < 0) return ABSENT;
  long fd = open_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return fd;
  struct sockaddr_in to = local(number("udp"));
  return finish(fd, sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
}

static long only_open(int family, int type, int protocol) {
  long fd = open_socket(family, type, protocol);
  return fd < 0 ? fd : opened(fd);
}

static long socket_udp(void) { return only_open(AF_INET, SOCK_DGRAM, 0); }
static long socket_inet6(void) { return only_open(AF_INET6, SOCK_STREAM, 0); }
static long socket_raw(void) { return only_open(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static long socket_packet(void) { return only_open(AF_PACKET, SOCK_RAW, 0); }
static long socket_netlink(void) { return only_open(AF_NETLINK, SOCK_RAW, 0); }
static long socket_alg(void) { return only_open(AF_ALG, SOCK_SEQPACKET, 0); }
static long socket_vsock(void) { return only_open(AF_VSOCK, SOCK_STREAM, 0); }

const struct attempt network_attempts[] = {
  {.name = "tcp_connect", .run = tcp_connect},
  {.name = "tcp_connect_ipv6", .run = tcp_connect_ipv6},
  {.name = "mptcp_connect", .run = mptcp_connect},
  {.name = "tcp_fast_open", .run = tcp_fast_open},
  {.name = "tcp_listen", .run = tcp_listen},
  {.name = "tcp_listen_unbound", .run = tcp_listen_unbound},
  {.name = "udp_send", .run = udp_send},
  {.name = "socket_udp", .run = socket_udp},
  {.name = "socket_inet6", .run = socket_inet6},
  {.name = "socket_raw", .run = socket_raw},
  {.name = "socket_packet", .run = socket_packet},
  {.name = "socket_netlink", .run = socket_netlink},
  {.name = "socket_alg", .run = socket_alg},
  {.name = "socket_vsock", .run = socket_vsock},
  {0}};
