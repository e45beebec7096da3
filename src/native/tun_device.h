// Opens TUN and TAP devices and asks the kernel about them. Knows nothing of JavaScript or of event loops.
#ifndef SYNWAVE_TUN_DEVICE_H
#define SYNWAVE_TUN_DEVICE_H

#include <net/if.h>
#include <stdbool.h>

#include "receive_thread.h"

// What to open.
typedef struct {
  char name[IFNAMSIZ];  // empty: the kernel chooses
  const char *netns;    // path of a network namespace file, or NULL for the caller's own
  int flags;            // IFF_TUN or IFF_TAP, IFF_NO_PI, IFF_MULTI_QUEUE; IFF_DETACH_QUEUE: hold the device, take no packets
  bool offload;         // virtio-net headers, checksums and segmentation both ways, if the kernel has them
  bool software;        // without it: what devices do is done before packets are written
  int mtu;              // set on a device that this call made; 0: leave the kernel's
  int send_buffer;      // TUNSETSNDBUF in bytes; 0: leave the kernel's, which is unlimited
  bool disable_ipv6;    // on a device that this call made
} tun_request;

// What was opened.
typedef struct {
  int fd;
  char name[IFNAMSIZ];
  int index;
  int mtu;
  bool ethernet;       // a TAP device: frames
  bool persistent;     // it existed before, and outlives the descriptor
  bool offload;        // each packet has a virtio-net header of VNET_HEADER_BYTES before it, and the offloads are on
  receive_thread *thread;  // of a device that `software` is for, where there is one; the caller's
  bool ipv6_disabled;  // the request's disable_ipv6 took effect
} tun_device;

// Where an attempt failed: the system call and the file it was about, for the message.
typedef struct {
  int number;  // errno
  const char *syscall;
  const char *path;
} tun_error;

// Moves this thread into the network namespace of that path. Returns a descriptor of the one it came from, to be given to
// leave_netns(), or -1 with `error` filled in.
int enter_netns(const char *netns, tun_error *error);
void leave_netns(int home);

// Returns 0, or -1 with `error` filled in. The calling thread is back in its own namespace either way.
int tun_open(const tun_request *request, tun_device *device, tun_error *error);

// Index of the interface of that name, 0 when there is none, -1 with `error` filled in.
int tun_interface_index(const char *name, const char *netns, tun_error *error);

// Lets the kernel leave checksums and segmentation to the other side of the device, or not. False when it refuses.
bool tun_set_offload(int fd, bool on);

// False once the device behind this descriptor was deleted.
bool tun_alive(int fd);

#endif
