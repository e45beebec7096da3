// What may differ between segments that are joined, and what may not, is what Linux's own receive offload goes by. But that has to be
// able to cut them again as they were: here shorter ones and pushed ones may stand in the midst.
#include "join.h"

#include <endian.h>
#include <string.h>

#include "checksum.h"
#include "packet_io.h"

// Places in the headers.
#define IPV4_BYTES 20
#define IPV4_VERSION_AND_LENGTH 0x45
#define IPV4_LENGTH 2
#define IPV4_FRAGMENT 6
#define IPV4_TTL 8
#define IPV4_CHECKSUM 10
#define IPV4_ADDRESSES 12
#define IPV6_BYTES 40
#define IPV6_LENGTH 4
#define IPV6_NEXT_HEADER 6
#define IPV6_ADDRESSES 8
#define PROTOCOL_TCP 6
#define TCP_SEQ 4
#define TCP_ACK 8
#define TCP_OFFSET 12
#define TCP_FLAGS 13
#define TCP_WINDOW 14
#define TCP_CHECKSUM 16
#define TCP_URGENT 18
#define TCP_BYTES 20
// Behind the fixed part when there are timestamps and nothing else: their head, their own number and the echoed one.
#define STAMPED_BYTES 32
#define STAMPS_HEAD 0x0101080au
#define STAMP_VALUE 24

#define FLAG_PSH 0x08
#define FLAG_ACK 0x10

// Bits of the word of IPv4 that tell of fragments.
#define FRAGMENT_BITS 0x3fff

// Where the parts of a packet begin, from its link header on.
typedef struct {
  size_t ip, tcp, payload;
} layout;

static uint16_t word_at(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void put_word(uint8_t *at, size_t word) {
  at[0] = (uint8_t)(word >> 8);
  at[1] = (uint8_t)word;
}

static uint32_t number_at(const uint8_t *at) {
  uint32_t number;
  memcpy(&number, at, sizeof number);
  return be32toh(number);
}

static uint32_t seq_of(const uint8_t *tcp) { return number_at(tcp + TCP_SEQ); }

static bool same(const uint8_t *one, const uint8_t *other, size_t begin, size_t end) {
  return memcmp(one + begin, other + begin, end - begin) == 0;
}

// True for a packet of TCP that fills its memory, without options of IPv4 or extension headers of IPv6, and no fragment. There may be
// no payload.
static bool lay_out(const read_packet *packet, size_t link_bytes, layout *parts) {
  if (packet->length < link_bytes + IPV4_BYTES + TCP_BYTES) return false;
  const uint8_t *ip = packet->bytes + link_bytes;
  size_t ip_length = packet->length - link_bytes;
  bool is_long = packet->hints & HINT_LONG;
  parts->ip = link_bytes;
  if (ip[0] == IPV4_VERSION_AND_LENGTH) {
    if ((!is_long && word_at(ip + IPV4_LENGTH) != ip_length) || (word_at(ip + IPV4_FRAGMENT) & FRAGMENT_BITS) != 0 ||
        ip[IPV4_TTL + 1] != PROTOCOL_TCP)
      return false;
    parts->tcp = link_bytes + IPV4_BYTES;
  } else {
    if (ip[0] >> 4 != 6 || ip_length < IPV6_BYTES + TCP_BYTES ||
        (!is_long && (size_t)word_at(ip + IPV6_LENGTH) + IPV6_BYTES != ip_length) ||
        ip[IPV6_NEXT_HEADER] != PROTOCOL_TCP)
      return false;
    parts->tcp = link_bytes + IPV6_BYTES;
  }
  size_t tcp_bytes = (size_t)(packet->bytes[parts->tcp + TCP_OFFSET] >> 4) * 4;
  parts->payload = parts->tcp + tcp_bytes;
  return tcp_bytes >= TCP_BYTES && parts->payload <= packet->length;
}

// The identification of IPv4 and all checksums may differ, and lengths.
static bool same_ip(const uint8_t *one, const uint8_t *other) {
  if (one[0] >> 4 == 6)
    return same(one, other, 0, IPV6_LENGTH) && same(one, other, IPV6_NEXT_HEADER, IPV6_BYTES);
  return same(one, other, 0, IPV4_LENGTH) && same(one, other, IPV4_FRAGMENT, IPV4_CHECKSUM) &&
         same(one, other, IPV4_ADDRESSES, IPV4_BYTES);
}

static bool is_later(uint32_t number, uint32_t than) { return (int32_t)(number - than) > 0; }

static bool has_only_stamps(const uint8_t *tcp, size_t header_bytes) {
  return header_bytes == STAMPED_BYTES && number_at(tcp + TCP_BYTES) == STAMPS_HEAD;
}

// Timestamps may be later, if there is nothing else: of segments in order that are acknowledged together the first one's count
// (RFC 7323 §4.3).
static bool same_options(const uint8_t *one, const uint8_t *other, size_t header_bytes) {
  if (has_only_stamps(one, header_bytes) && has_only_stamps(other, header_bytes))
    return !is_later(number_at(one + STAMP_VALUE), number_at(other + STAMP_VALUE));
  return same(one, other, TCP_BYTES, header_bytes);
}

// Sequence numbers and checksums may differ, and PSH.
static bool same_tcp(const uint8_t *one, const uint8_t *other, size_t header_bytes) {
  return same(one, other, 0, TCP_SEQ) && same(one, other, TCP_ACK, TCP_FLAGS) &&
         same(one, other, TCP_WINDOW, TCP_CHECKSUM) && same(one, other, TCP_URGENT, TCP_BYTES) &&
         same_options(one, other, header_bytes);
}

// RFC 1624 §3.
static void lengthen_ipv4(uint8_t *ip, size_t length) {
  uint16_t before = word_at(ip + IPV4_LENGTH), sum = word_at(ip + IPV4_CHECKSUM);
  put_word(ip + IPV4_LENGTH, length);
  put_word(ip + IPV4_CHECKSUM, (uint16_t)~sum_fold((uint64_t)(uint16_t)~sum + (uint16_t)~before + length));
}

static void lengthen(uint8_t *ip, size_t length) {
  if (ip[0] >> 4 == 4) lengthen_ipv4(ip, length);
  else put_word(ip + IPV6_LENGTH, length - IPV6_BYTES);
}

// What the checksum field holds of a segment that is not finished, but for the length.
static uint64_t pseudo_sum(const uint8_t *ip) {
  size_t at = ip[0] >> 4 == 4 ? IPV4_ADDRESSES : IPV6_ADDRESSES, end = ip[0] >> 4 == 4 ? IPV4_BYTES : IPV6_BYTES;
  uint64_t sum = PROTOCOL_TCP;
  for (; at < end; at += 2) sum += word_at(ip + at);
  return sum;
}

// Payload of the largest of the segments that were joined, or of the only one.
static size_t segment_bytes_of(const read_packet *packet, const layout *parts) {
  return packet->hints & HINT_SEGMENT_BYTES ? (size_t)(packet->hints & HINT_SEGMENT_BYTES) : packet->length - parts->payload;
}

static size_t full_count(size_t payload, size_t segment_bytes) { return (payload + segment_bytes - 1) / segment_bytes; }

static size_t segment_count(const read_packet *packet, const layout *parts) {
  size_t extra = (size_t)(packet->hints >> HINT_EXTRA_SHIFT) & HINT_MOST_EXTRA;
  return full_count(packet->length - parts->payload, segment_bytes_of(packet, parts)) + extra;
}

static size_t larger_segment(const read_packet *packet, const read_packet *next, const layout *parts) {
  size_t one = segment_bytes_of(packet, parts), other = segment_bytes_of(next, parts);
  return one > other ? one : other;
}

// Segments that both have together more than their length tells.
static size_t extra_of_both(const read_packet *packet, const read_packet *next, const layout *parts) {
  size_t payload = packet->length + next->length - 2 * parts->payload;
  return segment_count(packet, parts) + segment_count(next, parts) - full_count(payload, larger_segment(packet, next, parts));
}

static bool is_data(const read_packet *packet, size_t link_bytes, layout *parts) {
  return (packet->hints & HINT_VERIFIED) && lay_out(packet, link_bytes, parts) && parts->payload < packet->length &&
         (packet->bytes[parts->tcp + TCP_FLAGS] | FLAG_PSH) == (FLAG_ACK | FLAG_PSH);
}

size_t segments_open(const read_packet *packet, size_t link_bytes) {
  layout parts;
  return is_data(packet, link_bytes, &parts) ? parts.payload : 0;
}

bool segments_match(const read_packet *packet, const read_packet *next, size_t link_bytes, bool beyond_ip) {
  layout parts, following;
  if (!is_data(packet, link_bytes, &parts) || !is_data(next, link_bytes, &following)) return false;
  if (following.payload != parts.payload || following.tcp != parts.tcp || !same(packet->bytes, next->bytes, 0, link_bytes))
    return false;
  const uint8_t *ip = packet->bytes + parts.ip, *tcp = packet->bytes + parts.tcp;
  const uint8_t *next_tcp = next->bytes + parts.tcp;
  if (!same_ip(ip, next->bytes + parts.ip) || !same_tcp(tcp, next_tcp, parts.payload - parts.tcp)) return false;
  size_t held = packet->length - parts.payload, more = next->length - parts.payload;
  if (seq_of(tcp) + (uint32_t)held != seq_of(next_tcp)) return false;
  if (extra_of_both(packet, next, &parts) > HINT_MOST_EXTRA) return false;
  return beyond_ip || packet->length - link_bytes + more <= MOST_IP_BYTES;
}

void segments_join(read_packet *packet, const read_packet *next, const uint8_t *payload, size_t link_bytes) {
  layout parts;
  if (!lay_out(packet, link_bytes, &parts)) return;
  uint8_t *ip = packet->bytes + parts.ip, *tcp = packet->bytes + parts.tcp, *end = packet->bytes + packet->length;
  size_t more = next->length - parts.payload, ip_length = packet->length - link_bytes + more;
  size_t segment_bytes = larger_segment(packet, next, &parts), extra = extra_of_both(packet, next, &parts);
  tcp[TCP_FLAGS] |= next->bytes[parts.tcp + TCP_FLAGS];
  if (ip_length <= MOST_IP_BYTES) {
    size_t tcp_length = packet->length - parts.tcp;
    uint64_t sum = packet->hints & HINT_UNFINISHED ? word_at(tcp + TCP_CHECKSUM) : pseudo_sum(ip) + tcp_length;
    put_word(tcp + TCP_CHECKSUM, sum_fold(sum + more));
    lengthen(ip, ip_length);
  } else {
    packet->hints |= HINT_LONG;
  }
  if (payload != end) memmove(end, payload, more);
  packet->length += more;
  packet->hints &= HINT_VERIFIED | HINT_LONG;
  packet->hints |= HINT_UNFINISHED | (int32_t)segment_bytes | (int32_t)(extra << HINT_EXTRA_SHIFT);
}

// Of acknowledgments whose options are timestamps or none; those with SACK blocks each tell something of their own.
static bool is_ack(const read_packet *packet, size_t link_bytes, layout *parts) {
  if (!(packet->hints & HINT_VERIFIED) || !lay_out(packet, link_bytes, parts) || parts->payload != packet->length) return false;
  const uint8_t *tcp = packet->bytes + parts->tcp;
  size_t header_bytes = parts->payload - parts->tcp;
  return tcp[TCP_FLAGS] == FLAG_ACK && (header_bytes == TCP_BYTES || has_only_stamps(tcp, header_bytes));
}

bool ack_advances(const read_packet *packet, const read_packet *next, size_t link_bytes) {
  layout parts, following;
  if (!is_ack(packet, link_bytes, &parts) || !is_ack(next, link_bytes, &following)) return false;
  if (following.payload != parts.payload || following.tcp != parts.tcp || !same(packet->bytes, next->bytes, 0, link_bytes) ||
      !same_ip(packet->bytes + parts.ip, next->bytes + parts.ip))
    return false;
  const uint8_t *tcp = packet->bytes + parts.tcp, *next_tcp = next->bytes + parts.tcp;
  if (!same(tcp, next_tcp, 0, TCP_ACK) || !same(tcp, next_tcp, TCP_OFFSET, TCP_WINDOW) ||
      !same(tcp, next_tcp, TCP_URGENT, TCP_BYTES))
    return false;
  if (!same_options(tcp, next_tcp, parts.payload - parts.tcp)) return false;
  return is_later(number_at(next_tcp + TCP_ACK), number_at(tcp + TCP_ACK));
}

void ack_supersede(read_packet *packet, const read_packet *next) {
  memcpy(packet->bytes, next->bytes, next->length);
  packet->hints += 1 << HINT_EXTRA_SHIFT;
}

bool ack_is_several(const read_packet *packet) { return packet->hints >> HINT_EXTRA_SHIFT != 0; }
