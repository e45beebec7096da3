// Only the fields that differ from segment to segment are written anew; payload is summed and handed on where it lies.
#include "segmentation.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "checksum.h"

// The virtio-net header, that of Ethernet with a tag, and the longest of IPv6 and TCP.
#define MOST_HEADER_BYTES (VNET_HEADER_BYTES + 18 + 40 + 60)

// In the padding of the virtio-net header: how many segments have left, in the machine's order.
#define AT_DONE 10

// Places in the headers.
#define IPV4_BYTES 20
#define IPV4_LENGTH 2
#define IPV4_IDENTIFICATION 4
#define IPV4_CHECKSUM 10
#define IPV6_BYTES 40
#define IPV6_LENGTH 4
#define TCP_SEQ 4
#define TCP_FLAGS 13
#define TCP_CHECKSUM 16
#define TCP_BYTES 20

// Control bits that not all segments have: CWR is of the first, PSH and FIN are of the last.
#define FLAG_FIN 0x01
#define FLAG_PSH 0x08
#define FLAG_CWR 0x80

// A position in gathered memory.
typedef struct {
  const struct iovec *vectors;
  size_t at;  // in the first of them
} cursor;

// What is asked for.
typedef struct {
  size_t header_bytes;  // of all headers behind the virtio-net header
  size_t ip_at, tcp_at;
  int version;  // of IP where segments are cut, else 0
  size_t payload_bytes;
  size_t segment_bytes;
} request;

static uint16_t get16(const uint8_t *at) {
  uint16_t number;
  memcpy(&number, at, sizeof number);
  return number;
}

static void put16(uint8_t *at, uint16_t number) { memcpy(at, &number, sizeof number); }

// Moves by `length` octets, all of which are there, and lists where they lie. Returns how many vectors that takes.
static int advance(cursor *from, size_t length, struct iovec *vectors) {
  int count = 0;
  while (length > 0) {
    size_t left = from->vectors->iov_len - from->at;
    size_t taken = left < length ? left : length;
    if (taken > 0) vectors[count++] = (struct iovec){(uint8_t *)from->vectors->iov_base + from->at, taken};
    length -= taken;
    from->at += taken;
    if (taken < left) break;
    from->vectors++;
    from->at = 0;
  }
  return count;
}

// Moves by `length` octets and copies them.
static void copy(cursor *from, uint8_t *to, size_t length) {
  struct iovec vectors[MAX_PIECES + 1];
  int count = advance(from, length, vectors);
  for (int i = 0; i < count; i++) {
    memcpy(to, vectors[i].iov_base, vectors[i].iov_len);
    to += vectors[i].iov_len;
  }
}

// False when what is asked for makes no sense.
static bool read_request(const struct virtio_net_hdr *header, size_t bytes, request *asked) {
  asked->header_bytes = le16toh(header->hdr_len);
  asked->tcp_at = le16toh(header->csum_start);
  asked->version = 0;
  if (asked->header_bytes > MOST_HEADER_BYTES - VNET_HEADER_BYTES || asked->header_bytes > bytes ||
      asked->tcp_at + TCP_BYTES > asked->header_bytes || le16toh(header->csum_offset) != TCP_CHECKSUM)
    return false;
  asked->payload_bytes = bytes - asked->header_bytes;
  asked->segment_bytes = le16toh(header->gso_size);
  if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) return true;
  asked->version = (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_TCPV4 ? 4 : 6;
  size_t ip_bytes = asked->version == 4 ? IPV4_BYTES : IPV6_BYTES;
  asked->ip_at = asked->tcp_at - ip_bytes;
  return asked->tcp_at >= ip_bytes && asked->segment_bytes > 0;
}

static void cut_ipv4(uint8_t *ip, size_t length, size_t number) {
  put16(ip + IPV4_LENGTH, htobe16((uint16_t)length));
  put16(ip + IPV4_IDENTIFICATION, htobe16((uint16_t)(be16toh(get16(ip + IPV4_IDENTIFICATION)) + number)));
  put16(ip + IPV4_CHECKSUM, 0);
  put16(ip + IPV4_CHECKSUM, (uint16_t)~sum_add(0, ip, IPV4_BYTES, 0));
}

// Makes the headers those of segment `number`, which has `length` octets of payload. Its checksum field has the sum of the pseudo
// header afterwards.
static void cut(uint8_t *packet, const request *asked, size_t number, size_t length) {
  uint8_t *ip = packet + asked->ip_at, *tcp = packet + asked->tcp_at;
  size_t tcp_bytes = asked->header_bytes - asked->tcp_at, at = number * asked->segment_bytes;
  if (asked->version == 4) cut_ipv4(ip, asked->header_bytes - asked->ip_at + length, number);
  else put16(ip + IPV6_LENGTH, htobe16((uint16_t)(tcp_bytes + length)));
  uint32_t seq;
  memcpy(&seq, tcp + TCP_SEQ, sizeof seq);
  seq = htobe32(be32toh(seq) + (uint32_t)at);
  memcpy(tcp + TCP_SEQ, &seq, sizeof seq);
  if (number > 0) tcp[TCP_FLAGS] &= (uint8_t)~FLAG_CWR;
  if (at + length < asked->payload_bytes) tcp[TCP_FLAGS] &= (uint8_t)~(FLAG_PSH | FLAG_FIN);
  // Out with the length of the whole, in with its own.
  uint16_t whole = htobe16((uint16_t)(tcp_bytes + asked->payload_bytes));
  uint16_t own = htobe16((uint16_t)(tcp_bytes + length));
  put16(tcp + TCP_CHECKSUM, sum_fold((uint64_t)get16(tcp + TCP_CHECKSUM) + (uint16_t)~whole + own));
}

// Completes the checksum of a segment whose headers are in the first vector, after `skipped` octets.
static void complete(const struct iovec *vectors, int count, const request *asked, size_t skipped) {
  uint8_t *tcp = (uint8_t *)vectors->iov_base + skipped + asked->tcp_at;
  size_t position = asked->header_bytes - asked->tcp_at;
  uint16_t sum = sum_add(0, tcp, position, 0);
  for (int i = 1; i < count; i++) {
    sum = sum_add(sum, vectors[i].iov_base, vectors[i].iov_len, position);
    position += vectors[i].iov_len;
  }
  put16(tcp + TCP_CHECKSUM, (uint16_t)~sum);
}

// A virtio-net header that asks for nothing.
static void write_plain_header(uint8_t *at, size_t header_bytes) {
  struct virtio_net_hdr plain = {.hdr_len = htole16((uint16_t)header_bytes)};
  memset(at, 0, VNET_HEADER_BYTES);
  memcpy(at, &plain, sizeof plain);
}

static int write_segments(int fd, const packet_writer *writer, cursor from, const request *asked, uint8_t *done,
                          write_result *result) {
  uint8_t whole[MOST_HEADER_BYTES], packet[MOST_HEADER_BYTES];
  size_t skipped = writer->header_bytes, number = get16(done);
  size_t segment_bytes = asked->version == 0 ? asked->payload_bytes : asked->segment_bytes, at = number * segment_bytes;
  struct iovec vectors[MAX_PIECES + 3];
  if (skipped > 0) write_plain_header(whole, asked->header_bytes);
  copy(&from, whole + skipped, asked->header_bytes);
  advance(&from, at, vectors);
  do {
    size_t left = asked->payload_bytes - at, length = left < segment_bytes ? left : segment_bytes;
    memcpy(packet, whole, skipped + asked->header_bytes);
    if (asked->version != 0) cut(packet + skipped, asked, number, length);
    vectors[0] = (struct iovec){packet, skipped + asked->header_bytes};
    int count = 1 + advance(&from, length, vectors + 1);
    complete(vectors, count, asked, skipped);
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
      return packet_write(fd, writer, rest, advance(&from, bytes - from.at, rest), result);
    }
    if (read_request(&header, bytes - VNET_HEADER_BYTES, &asked))
      return write_segments(fd, writer, from, &asked, (uint8_t *)vectors->iov_base + AT_DONE, result);
  }
  result->dropped++;
  return 0;
}
