// Frames out of a packet socket and into it. The kernel's virtio-net header is in the machine's byte order and has no
// padding, unlike the one that JavaScript knows.
#include <endian.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/socket.h>

#include "packet_socket.h"

// Octets of the header as it crosses: that of devices which do not merge buffers.
#define CROSSING_BYTES sizeof(struct virtio_net_hdr)

#define MAC_ADDRESSES_BYTES (2 * ETH_ALEN)
#define TAG_BYTES 4

typedef union {
  struct cmsghdr header;
  uint8_t room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
} auxiliary;

static const struct tpacket_auxdata *find_auxiliary(struct msghdr *message) {
  for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each != NULL; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level == SOL_PACKET && each->cmsg_type == PACKET_AUXDATA)
      return (const struct tpacket_auxdata *)CMSG_DATA(each);
  }
  return NULL;
}

// The kernel takes the tag out of a frame before it shows it. Puts it back; there is room behind.
static void restore_tag(uint8_t *frame, size_t bytes, const struct tpacket_auxdata *auxdata) {
  uint16_t type = auxdata->tp_status & TP_STATUS_VLAN_TPID_VALID ? auxdata->tp_vlan_tpid : ETH_P_8021Q;
  uint16_t words[2] = {htobe16(type), htobe16(auxdata->tp_vlan_tci)};
  memmove(frame + MAC_ADDRESSES_BYTES + TAG_BYTES, frame + MAC_ADDRESSES_BYTES, bytes - MAC_ADDRESSES_BYTES);
  memcpy(frame + MAC_ADDRESSES_BYTES, words, sizeof words);
}

int socket_read(int fd, const read_area *area, int *error, int *refused) {
  read_place place;
  int count = 0;
  *error = 0;
  while (count < area->capacity && place_next(area, count, &place)) {
    uint8_t *frame = area->slab + place.at + VNET_HEADER_BYTES;
    struct virtio_net_hdr header;
    struct iovec vectors[2] = {{&header, CROSSING_BYTES}, {frame, PACKET_ROOM - VNET_HEADER_BYTES - TAG_BYTES}};
    auxiliary control;
    struct msghdr message = {
        .msg_iov = vectors, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(fd, &message, 0);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (errno == EINVAL) {  // joined of what no virtio-net header has a name for
        (*refused)++;
        continue;
      }
      if (errno != EAGAIN) *error = errno;
      break;
    }
    size_t bytes = (size_t)length - CROSSING_BYTES;
    if ((size_t)length < CROSSING_BYTES + ETH_HLEN || message.msg_flags & MSG_TRUNC) {
      give_back(area, &place);
      (*refused)++;
      continue;
    }
    const struct tpacket_auxdata *auxdata = find_auxiliary(&message);
    int32_t hints = vnet_hints(header.flags, header.gso_type, header.gso_size);
    if (auxdata != NULL && auxdata->tp_status & TP_STATUS_VLAN_VALID) {
      restore_tag(frame, bytes, auxdata);
      bytes += TAG_BYTES;
    } else {
      hints = verified_hints(hints, frame + area->link_bytes, bytes - area->link_bytes);
    }
    count = packet_add(area, count, &place, bytes, hints);
  }
  return count;
}

ssize_t socket_write(int fd, struct iovec *vectors, int count) {
  struct iovec *first = vectors;
  while (count > 0 && first->iov_len == 0) {
    first++;
    count--;
  }
  if (count == 0 || first->iov_len < VNET_HEADER_BYTES) {
    errno = EINVAL;
    return -1;
  }
  struct virtio_net_hdr header;
  memcpy(&header, first->iov_base, sizeof header);
  header.hdr_len = le16toh(header.hdr_len);
  header.gso_size = le16toh(header.gso_size);
  header.csum_start = le16toh(header.csum_start);
  header.csum_offset = le16toh(header.csum_offset);

  // One vector more, in front: the caller has left room for it behind the last.
  memmove(first + 1, first, (size_t)count * sizeof *first);
  first[1].iov_base = (uint8_t *)first[1].iov_base + VNET_HEADER_BYTES;
  first[1].iov_len -= VNET_HEADER_BYTES;
  first[0] = (struct iovec){&header, CROSSING_BYTES};
  for (;;) {
    ssize_t written = writev(fd, first, count + 1);
    if (written >= 0) return written - (ssize_t)CROSSING_BYTES + VNET_HEADER_BYTES;
    if (errno != EINTR) return -1;
  }
}

int socket_verdict(int fd, int number) {
  (void)fd;
  switch (number) {
    case EAGAIN:
    case ENOBUFS:  // a queue behind the socket is full, of which epoll knows nothing
    case ENETDOWN:
      return number;
    case ENXIO:
    case ENODEV:
    case EBADF:
      return ENODEV;
    default:
      return 0;
  }
}
