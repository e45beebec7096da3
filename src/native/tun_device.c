// TUNSETIFF and its surroundings, in the caller's network namespace or in another one. See native-notes/tun.md.
#include "tun_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet_io.h"

static const char CLONE_DEVICE[] = "/dev/net/tun";
static const char OWN_NETNS[] = "/proc/thread-self/ns/net";

static int fail(tun_error *error, const char *syscall, const char *path) {
  error->number = errno;
  error->syscall = syscall;
  error->path = path;
  return -1;
}

int enter_netns(const char *netns, tun_error *error) {
  int home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
  if (home < 0) return fail(error, "open", OWN_NETNS);
  int target = open(netns, O_RDONLY | O_CLOEXEC);
  if (target < 0) {
    fail(error, "open", netns);
    close(home);
    return -1;
  }
  int moved = setns(target, CLONE_NEWNET);
  if (moved < 0) fail(error, "setns", netns);
  close(target);
  if (moved == 0) return home;
  close(home);
  return -1;
}

// A thread stuck in a foreign namespace would send the program's other traffic to the wrong network: better no program.
void leave_netns(int home) {
  if (setns(home, CLONE_NEWNET) < 0) {
    fprintf(stderr, "synwave: cannot return to the own network namespace: %s\n", strerror(errno));
    abort();
  }
  close(home);
}

// The sysctl file names the namespace of the thread that opens it, which is why this happens here. A read-only /proc
// (containers) or a kernel without IPv6 is not an error: the caller learns that it did not take effect.
static bool disable_ipv6(const char *name) {
  char path[64 + IFNAMSIZ];
  snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool written = write(fd, "1", 1) == 1;
  close(fd);
  return written;
}

// Index and MTU, through a socket, since the ioctls of interfaces belong to sockets and their namespace.
static int inspect(const tun_request *request, tun_device *device, tun_error *error) {
  int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sock < 0) sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);  // a kernel without IPv4 sockets
  if (sock < 0) return fail(error, "socket", NULL);

  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, device->name, IFNAMSIZ);
  int result = 0;
  if (request->mtu > 0 && !device->persistent) {
    ifr.ifr_mtu = request->mtu;
    if (ioctl(sock, SIOCSIFMTU, &ifr) < 0) result = fail(error, "SIOCSIFMTU", NULL);
  }
  if (result == 0 && ioctl(sock, SIOCGIFMTU, &ifr) < 0) result = fail(error, "SIOCGIFMTU", NULL);
  device->mtu = ifr.ifr_mtu;
  if (result == 0 && ioctl(sock, SIOCGIFINDEX, &ifr) < 0) result = fail(error, "SIOCGIFINDEX", NULL);
  device->index = ifr.ifr_ifindex;
  close(sock);
  return result;
}

bool tun_set_offload(int fd, bool on) {
  unsigned long features = on ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;
  return ioctl(fd, TUNSETOFFLOAD, features) == 0;
}

// Whether packets may have virtio-net headers, and segments of many kilobytes may cross in one piece.
static bool offers_offload(int fd) {
  unsigned features = 0;
  return ioctl(fd, TUNGETFEATURES, &features) == 0 && (features & IFF_VNET_HDR) != 0;
}

static bool agree_on_headers(int fd) {
  int bytes = VNET_HEADER_BYTES, little_endian = 1;
  return ioctl(fd, TUNSETVNETHDRSZ, &bytes) == 0 && ioctl(fd, TUNSETVNETLE, &little_endian) == 0;
}

// Where there are several queues, their holder decides for all of them.
static bool wants_thread(const tun_request *request, const tun_device *device) {
  return request->software && !device->offload && (request->flags & IFF_MULTI_QUEUE) == 0;
}

// A device that was there before is not changed.
static bool find_thread(tun_device *device) {
  if (!device->persistent) device->thread = receive_thread_find(device->name);
  return device->thread != NULL;
}

// TUNSETIFF comes before anything polls the descriptor: until then it reports nothing but an error.
static int attach(const tun_request *request, tun_device *device, tun_error *error) {
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  memcpy(ifr.ifr_name, request->name, IFNAMSIZ);
  device->ethernet = (request->flags & IFF_TAP) != 0;
  device->offload = request->offload && offers_offload(device->fd);
  int flags = request->flags & ~IFF_DETACH_QUEUE;
  bool is_threaded = wants_thread(request, device);
  ifr.ifr_flags = (short)(flags | (device->offload ? IFF_VNET_HDR : 0) | (is_threaded ? IFF_NAPI : 0));
  if (ioctl(device->fd, TUNSETIFF, &ifr) < 0) return fail(error, "TUNSETIFF", CLONE_DEVICE);
  memcpy(device->name, ifr.ifr_name, IFNAMSIZ);

  if (ioctl(device->fd, TUNGETIFF, &ifr) < 0) return fail(error, "TUNGETIFF", CLONE_DEVICE);
  device->persistent = (ifr.ifr_flags & IFF_PERSIST) != 0;
  if (is_threaded && !find_thread(device)) return fail(error, "TUNSETIFF", CLONE_DEVICE);
  // Offloads stay on a persistent device until somebody sets others.
  if (device->offload && !agree_on_headers(device->fd)) return fail(error, "TUNSETVNETHDRSZ", CLONE_DEVICE);
  bool is_set = tun_set_offload(device->fd, device->offload);
  if (device->offload && !is_set) return fail(error, "TUNSETOFFLOAD", CLONE_DEVICE);

  if (request->send_buffer > 0) {
    int bytes = request->send_buffer;
    if (ioctl(device->fd, TUNSETSNDBUF, &bytes) < 0) return fail(error, "TUNSETSNDBUF", CLONE_DEVICE);
  }
  if ((request->flags & IFF_DETACH_QUEUE) != 0) {
    ifr.ifr_flags = IFF_DETACH_QUEUE;
    if (ioctl(device->fd, TUNSETQUEUE, &ifr) < 0) return fail(error, "TUNSETQUEUE", CLONE_DEVICE);
  }
  device->ipv6_disabled = request->disable_ipv6 && !device->persistent && disable_ipv6(device->name);
  return inspect(request, device, error);
}

static int open_here(const tun_request *request, tun_device *device, tun_error *error) {
  device->fd = open(CLONE_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device->fd < 0) return fail(error, "open", CLONE_DEVICE);
  if (attach(request, device, error) == 0) return 0;
  close(device->fd);
  device->fd = -1;
  receive_thread_end(device->thread);
  device->thread = NULL;
  return -1;
}

// What offload needs may be refused where it was promised, and so may the kernel's thread; the device then does without.
static int open_device(const tun_request *request, tun_device *device, tun_error *error) {
  tun_request plain = *request;
  if (open_here(&plain, device, error) == 0) return 0;
  if (device->offload) {
    plain.offload = false;
    if (open_here(&plain, device, error) == 0) return 0;
  }
  if (!wants_thread(&plain, device)) return -1;
  plain.software = false;
  return open_here(&plain, device, error);
}

int tun_open(const tun_request *request, tun_device *device, tun_error *error) {
  memset(device, 0, sizeof *device);
  device->fd = -1;
  if (request->netns == NULL) return open_device(request, device, error);
  int home = enter_netns(request->netns, error);
  if (home < 0) return -1;
  int result = open_device(request, device, error);
  leave_netns(home);
  return result;
}

// if_nametoindex() reports a missing interface and a failed socket alike as 0; errno tells them apart.
static int index_here(const char *name, tun_error *error) {
  errno = 0;
  unsigned index = if_nametoindex(name);
  if (index != 0 || errno == ENODEV || errno == ENXIO) return (int)index;
  return fail(error, "SIOCGIFINDEX", NULL);
}

int tun_interface_index(const char *name, const char *netns, tun_error *error) {
  if (netns == NULL) return index_here(name, error);
  int home = enter_netns(netns, error);
  if (home < 0) return -1;
  int index = index_here(name, error);
  leave_netns(home);
  return index;
}

bool tun_alive(int fd) {
  struct ifreq ifr;
  memset(&ifr, 0, sizeof ifr);
  return ioctl(fd, TUNGETIFF, &ifr) == 0;
}
