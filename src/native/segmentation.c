// Only the fields that differ from segment to segment are written anew. Payload has to be read for its sum: of a short segment
// it is copied behind the headers in the same pass, as a kernel takes one piece sooner than several. That of a long one is
// handed on where it lies.
#include "segmentation.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "checksum.h"
#include "cutting.h"

// Payload up to this many octets is copied.
#define COPIED_BYTES 2048

// Sums the payload of a segment, `position` octets into what is summed.
static uint16_t sum_pieces(uint16_t sum, const struct iovec *pieces, int count, size_t position) {
  for (int i = 0; i < count; i++) {
    sum = sum_add(sum, pieces[i].iov_base, pieces[i].iov_len, position);
    position += pieces[i].iov_len;
  }
  return sum;
}

// The same, and gathers it at `to`.
static uint16_t sum_gathered(uint16_t sum, uint8_t *to, const struct iovec *pieces, int count, size_t position) {
  for (int i = 0; i < count; i++) {
    sum = sum_copy(sum, to, pieces[i].iov_base, pieces[i].iov_len, position);
    to += pieces[i].iov_len;
    position += pieces[i].iov_len;
  }
  return sum;
}

// Completes the checksum of a segment of `length` octets, whose headers are at `packet`, with room behind them; its payload is in
// the vectors from the second on. Returns how many vectors it takes.
static int complete(uint8_t *packet, struct iovec *vectors, int count, const request *asked, size_t length) {
  uint8_t *tcp = packet + asked->tcp_at;
  size_t position = asked->header_bytes - asked->tcp_at;
  uint16_t sum = sum_add(0, tcp, position, 0);
  if (length <= COPIED_BYTES) {
    sum = sum_gathered(sum, packet + asked->header_bytes, vectors + 1, count - 1, position);
    vectors->iov_len += length;
    count = 1;
  } else {
    sum = sum_pieces(sum, vectors + 1, count - 1, position);
  }
  put16(tcp + TCP_CHECKSUM, (uint16_t)~sum);
  return count;
}

// A virtio-net header that asks for nothing.
static void write_plain_header(uint8_t *at, size_t header_bytes) {
  struct virtio_net_hdr plain = {.hdr_len = htole16((uint16_t)header_bytes)};
  memset(at, 0, VNET_HEADER_BYTES);
  memcpy(at, &plain, sizeof plain);
}

static int write_segments(int fd, const packet_writer *writer, cursor from, const request *asked, uint8_t *done,
                          write_result *result) {
  uint8_t whole[MOST_HEADER_BYTES], packet[MOST_HEADER_BYTES + COPIED_BYTES];
  size_t skipped = writer->header_bytes, number = get16(done);
  size_t segment_bytes = asked->version == 0 ? asked->payload_bytes : asked->segment_bytes, at = number * segment_bytes;
  struct iovec vectors[MAX_PIECES + 3];
  if (skipped > 0) write_plain_header(whole, asked->header_bytes);
  cursor_copy(&from, whole + skipped, asked->header_bytes);
  cursor_advance(&from, at, vectors);
  do {
    size_t left = asked->payload_bytes - at, length = left < segment_bytes ? left : segment_bytes;
    memcpy(packet, whole, skipped + asked->header_bytes);
    if (asked->version != 0) cut(packet + skipped, asked, number, length);
    vectors[0] = (struct iovec){packet, skipped + asked->header_bytes};
    int count = 1 + cursor_advance(&from, length, vectors + 1);
    count = complete(packet + skipped, vectors, count, asked, length);
    int error = packet_write(fd, writer, vectors, count, result);
    if (error != 0) return error;
    put16(done, (uint16_t)++number);
    at += length;
  } while (at < asked->payload_bytes);
  return 0;
}

int segments_write(int fd, const packet_writer *writer, const struct iovec *vectors, int count, write_result *result) {
  struct virtio_net_hdr header;
  struct iovec rest[MAX_PIECES + 3];
  request asked;
  size_t bytes = 0;
  while (count > 0 && vectors->iov_len == 0) {
    vectors++;
    count--;
  }
  for (int i = 0; i < count; i++) bytes += vectors[i].iov_len;
  if (count > 0 && vectors->iov_len >= VNET_HEADER_BYTES) {
    cursor from = {vectors, VNET_HEADER_BYTES};
    memcpy(&header, vectors->iov_base, sizeof header);
    if ((header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0) {
      if (writer->header_bytes > 0) from.at = 0;
      return packet_write(fd, writer, rest, cursor_advance(&from, bytes - from.at, rest), result);
    }
    if (read_request(&header, bytes - VNET_HEADER_BYTES, &asked))
      return write_segments(fd, writer, from, &asked, (uint8_t *)vectors->iov_base + AT_DONE, result);
  }
  result->dropped++;
  return 0;
}
