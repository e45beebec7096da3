// IPv4 and IPv6 without options or extensions: what this stack sends.
#include "cutting.h"

#include <endian.h>

#include "checksum.h"

// Places in the headers.
#define IPV4_BYTES 20
#define IPV4_LENGTH 2
#define IPV4_IDENTIFICATION 4
#define IPV4_CHECKSUM 10
#define IPV6_BYTES 40
#define IPV6_LENGTH 4
#define TCP_SEQ 4
#define TCP_FLAGS 13
#define TCP_BYTES 20

// Control bits that not all segments have: CWR is of the first, PSH and FIN are of the last.
#define FLAG_FIN 0x01
#define FLAG_PSH 0x08
#define FLAG_CWR 0x80

int cursor_advance(cursor *from, size_t length, struct iovec *vectors) {
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

void cursor_copy(cursor *from, uint8_t *to, size_t length) {
  struct iovec vectors[MAX_PIECES + 1];
  int count = cursor_advance(from, length, vectors);
  for (int i = 0; i < count; i++) {
    memcpy(to, vectors[i].iov_base, vectors[i].iov_len);
    to += vectors[i].iov_len;
  }
}

bool read_request(const struct virtio_net_hdr *header, size_t bytes, request *asked) {
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

void cut(uint8_t *packet, const request *asked, size_t number, size_t length) {
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
  uint16_t whole = htobe16(sum_fold(tcp_bytes + asked->payload_bytes));
  uint16_t own = htobe16((uint16_t)(tcp_bytes + length));
  put16(tcp + TCP_CHECKSUM, sum_fold((uint64_t)get16(tcp + TCP_CHECKSUM) + (uint16_t)~whole + own));
}
