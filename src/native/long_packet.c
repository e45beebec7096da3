// In one piece it costs the kernel a quarter: since Linux 6.3 an IPv4 packet of segments to be cut may have length 0 in its header
// and be as long as it is ("BIG TCP"), and since 6.6 a TUN device takes that.
#include "long_packet.h"

#include <endian.h>
#include <errno.h>

#include "cutting.h"

// In the padding of the virtio-net header: not 0 when it may leave in one piece.
#define AT_WHOLE 12

// Makes the virtio-net header of the whole that of a part.
static void ask_for_part(uint8_t *at, const request *asked, size_t number, size_t length) {
  struct virtio_net_hdr header;
  memcpy(&header, at, sizeof header);
  // Only the first bears CWR.
  if (number > 0) header.gso_type &= (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
  if (length <= asked->segment_bytes) {
    header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
    header.gso_size = 0;
  }
  memset(at, 0, VNET_HEADER_BYTES);
  memcpy(at, &header, sizeof header);
}

// Segments of each part: as few parts as IP can tell the lengths of, of about the same size.
static size_t segments_of_part(const request *asked) {
  size_t most = (MOST_IP_BYTES - (asked->header_bytes - asked->ip_at)) / asked->segment_bytes;
  size_t segments = (asked->payload_bytes + asked->segment_bytes - 1) / asked->segment_bytes;
  if (most <= 1) return 1;
  size_t parts = (segments + most - 1) / most;
  return (segments + parts - 1) / parts;
}

static int write_parts(int fd, const packet_writer *writer, cursor from, const request *asked, uint8_t *done,
                       write_result *result) {
  uint8_t whole[MOST_HEADER_BYTES], packet[MOST_HEADER_BYTES];
  size_t headers = VNET_HEADER_BYTES + asked->header_bytes, number = get16(done);
  size_t part_segments = segments_of_part(asked), part_bytes = part_segments * asked->segment_bytes;
  size_t at = number * asked->segment_bytes;
  struct iovec vectors[MAX_PIECES + 3];
  cursor_copy(&from, whole, headers);
  cursor_advance(&from, at, vectors);
  while (at < asked->payload_bytes) {
    size_t left = asked->payload_bytes - at, length = left < part_bytes ? left : part_bytes;
    memcpy(packet, whole, headers);
    ask_for_part(packet, asked, number, length);
    cut(packet + VNET_HEADER_BYTES, asked, number, length);
    vectors[0] = (struct iovec){packet, headers};
    int error = packet_write(fd, writer, vectors, 1 + cursor_advance(&from, length, vectors + 1), result);
    if (error != 0) return error;
    number += part_segments;
    put16(done, (uint16_t)number);
    at += length;
  }
  return 0;
}

// Returns 0 when the kernel took it, EAGAIN when it has no room, and another errno when it is to be tried in parts.
static int write_whole(int fd, const packet_writer *writer, struct iovec *vectors, int count, write_result *result) {
  ssize_t written = writer->write(fd, vectors, count);
  if (written > 0) {
    result->written++;
    result->bytes += (int)written - (int)writer->header_bytes;
    return 0;
  }
  // Memory in pieces as large as it takes will be there again. Whatever else the kernel says it will always say.
  if (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) result->refuses_long = true;
  return errno == 0 ? EMSGSIZE : errno;
}

int long_packet_write(int fd, const packet_writer *writer, const struct iovec *vectors, int count, write_result *result) {
  struct virtio_net_hdr header;
  struct iovec all[MAX_PIECES + 3];
  request asked;
  size_t bytes = 0;
  while (count > 0 && vectors->iov_len == 0) {
    vectors++;
    count--;
  }
  for (int i = 0; i < count; i++) bytes += vectors[i].iov_len;
  uint8_t *first = vectors->iov_base;
  if (count > 0 && vectors->iov_len >= VNET_HEADER_BYTES) {
    memcpy(&header, first, sizeof header);
    if (read_request(&header, bytes - VNET_HEADER_BYTES, &asked) && asked.version != 0) {
      if (first[AT_WHOLE] != 0 && get16(first + AT_DONE) == 0) {
        memcpy(all, vectors, (size_t)count * sizeof *all);
        int error = write_whole(fd, writer, all, count, result);
        if (error == 0 || error == EAGAIN) return error;
      }
      return write_parts(fd, writer, (cursor){vectors, 0}, &asked, first + AT_DONE, result);
    }
  }
  result->dropped++;
  return 0;
}
