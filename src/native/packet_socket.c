// Opening a packet socket and asking about it. Frames are moved by socket_io.c.
#include "packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static int fail(tun_error *error, const char *syscall) {
  error->number = errno;
  error->syscall = syscall;
  error->path = NULL;
  return -1;
}

// Beyond the machine's limit if that is allowed, which takes CAP_NET_ADMIN outside of any user namespace.
static void set_buffer(int fd, int forced, int limited, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, limited, &bytes, sizeof bytes);
}

static bool set_flag(int fd, int option) {
  int on = 1;
  return setsockopt(fd, SOL_PACKET, option, &on, sizeof on) == 0;
}

static int configure(const socket_request *request, const socket_state *state, tun_error *error) {
  int fd = state->fd;
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &request->filter, sizeof request->filter) < 0)
    return fail(error, "SO_ATTACH_FILTER");
  if (!set_flag(fd, PACKET_VNET_HDR)) return fail(error, "PACKET_VNET_HDR");
  if (!set_flag(fd, PACKET_AUXDATA)) return fail(error, "PACKET_AUXDATA");
  // Spares what we and the host send the way through the filter, which passes none of it either. Linux 4.20.
  set_flag(fd, PACKET_IGNORE_OUTGOING);
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, request->receive_buffer);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, request->send_buffer);
  struct packet_mreq membership = {
      .mr_ifindex = state->index,
      .mr_type = request->promiscuous ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI,
  };
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) < 0)
    return fail(error, "PACKET_ADD_MEMBERSHIP");
  return 0;
}

static int attach(const socket_request *request, socket_state *state, tun_error *error) {
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, request->name, IFNAMSIZ);
  if (ioctl(state->fd, SIOCGIFINDEX, &ifr) < 0) return fail(error, "SIOCGIFINDEX");
  state->index = ifr.ifr_ifindex;
  if (configure(request, state, error) < 0) return -1;
  socklen_t length = sizeof state->receive_buffer;
  if (getsockopt(state->fd, SOL_SOCKET, SO_RCVBUF, &state->receive_buffer, &length) < 0)
    return fail(error, "SO_RCVBUF");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET,
      .sll_protocol = htons(ETH_P_ALL),
      .sll_ifindex = state->index,
  };
  if (bind(state->fd, (struct sockaddr *)&address, sizeof address) < 0) return fail(error, "bind");
  return 0;
}

// With protocol 0 the socket hears nothing: it begins with bind(), when all is in place.
static int open_here(const socket_request *request, socket_state *state, tun_error *error) {
  state->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (state->fd < 0) return fail(error, "socket");
  if (attach(request, state, error) == 0) return 0;
  close(state->fd);
  state->fd = -1;
  return -1;
}

int socket_open(const socket_request *request, socket_state *state, tun_error *error) {
  memset(state, 0, sizeof *state);
  state->fd = -1;
  if (request->netns == NULL) return open_here(request, state, error);
  int home = enter_netns(request->netns, error);
  if (home < 0) return -1;
  int result = open_here(request, state, error);
  leave_netns(home);
  return result;
}

int socket_failure(int fd) {
  int number = 0;
  socklen_t length = sizeof number;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) < 0) return errno;
  // Nothing but the end of its interface breaks such a socket.
  return number != 0 ? number : ENETDOWN;
}

int socket_drops(int fd) {
  struct tpacket_stats statistics = {0};
  socklen_t length = sizeof statistics;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0) return 0;
  return (int)statistics.tp_drops;
}
