// A packet socket (AF_PACKET) on an Ethernet interface: opening it, and moving frames with their virtio-net headers and
// VLAN tags. Knows nothing of JavaScript or of event loops. See native-notes/af-packet.md.
#ifndef SYNWAVE_PACKET_SOCKET_H
#define SYNWAVE_PACKET_SOCKET_H

#include <linux/filter.h>
#include <net/if.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "packet_io.h"
#include "tun_device.h"

// What to open.
typedef struct {
  char name[IFNAMSIZ];
  const char *netns;  // path of a network namespace file, or NULL for the caller's own
  struct sock_fprog filter;
  bool promiscuous;  // frames to every address; else to the interface's own and to all groups
  int receive_buffer;  // bytes of memory, with the kernel's bookkeeping
  int send_buffer;
} socket_request;

// What was opened.
typedef struct {
  int fd;
  int index;
  int receive_buffer;  // what it came to
} socket_state;

// Returns 0, or -1 with `error` filled in. The calling thread is back in its own namespace either way. No frame is
// received that has not passed the filter.
int socket_open(const socket_request *request, socket_state *state, tun_error *error);

// As packets_read. Adds the frames that the kernel could not describe by a virtio-net header to `*refused`.
int socket_read(int fd, const read_area *area, int *error, int *refused);

// Writes one packet that begins with a virtio-net header of VNET_HEADER_BYTES. Returns the octets taken, all of them, or
// -1 with errno.
ssize_t socket_write(int fd, struct iovec *vectors, int count);

// What a failed write means for the packets behind it: 0 when only that packet is bad, else as `error` of write_result.
int socket_verdict(int fd, int number);

// The errno that a socket reports which epoll calls broken.
int socket_failure(int fd);

// Frames that found no room in the receive buffer since this was asked last.
int socket_drops(int fd);

#endif
