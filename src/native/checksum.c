#include "checksum.h"

#include <string.h>

#define PROTOCOL_TCP 6
#define TCP_HEADER_BYTES 20

typedef uint64_t lanes __attribute__((vector_size(16)));

static uint64_t word_at(const uint8_t *bytes) {
  return (uint64_t)bytes[0] << 8 | bytes[1];
}

// What is summed of a vector: its 32-bit words, each in 64 bits, which no packet can make overflow.
static lanes halves(lanes words) { return (words & 0xffffffff) + (words >> 32); }

// Sum of the 16-bit words as this machine reads them: the one's complement sum does not depend on the order of octets
// (RFC 1071 §2 B), as long as all of it is in one order, nor on how many words are taken at once, which come to the same when
// they are folded. With `to` the octets are copied there on the way. Two vectors at a time do not wait for each other.
static inline __attribute__((always_inline)) uint64_t sum_words(const uint8_t *bytes, size_t length, uint8_t *to) {
  lanes one = {0}, other = {0};
  size_t at = 0;
  for (; length - at >= 2 * sizeof(lanes); at += 2 * sizeof(lanes)) {
    lanes words[2];
    memcpy(words, bytes + at, sizeof words);
    if (to != NULL) memcpy(to + at, words, sizeof words);
    one += halves(words[0]);
    other += halves(words[1]);
  }
  one += other;
  uint64_t sum = one[0] + one[1];
  for (; length - at >= sizeof(uint32_t); at += sizeof(uint32_t)) {
    uint32_t word;
    memcpy(&word, bytes + at, sizeof word);
    if (to != NULL) memcpy(to + at, &word, sizeof word);
    sum += word;
  }
  if (at < length) {
    uint32_t word = 0;
    memcpy(&word, bytes + at, length - at);
    if (to != NULL) memcpy(to + at, &word, length - at);
    sum += word;
  }
  return sum;
}

static uint64_t sum_native(const uint8_t *bytes, size_t length) { return sum_words(bytes, length, NULL); }

uint16_t sum_fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

static uint16_t add_range(uint16_t sum, uint64_t words, size_t position) {
  uint16_t own = sum_fold(words);
  return sum_fold((uint64_t)sum + (position & 1 ? (uint16_t)(own << 8 | own >> 8) : own));
}

uint16_t sum_add(uint16_t sum, const uint8_t *bytes, size_t length, size_t position) {
  return add_range(sum, sum_native(bytes, length), position);
}

uint16_t sum_copy(uint16_t sum, uint8_t *to, const uint8_t *bytes, size_t length, size_t position) {
  return add_range(sum, sum_words(bytes, length, to), position);
}

// A word of the pseudo header in the order of this machine.
static uint64_t native(uint16_t number) {
  const uint8_t octets[2] = {(uint8_t)(number >> 8), (uint8_t)number};
  uint16_t word;
  memcpy(&word, octets, sizeof word);
  return word;
}

static bool is_sound(const uint8_t *addresses, size_t address_bytes, const uint8_t *tcp, size_t length) {
  if (length < TCP_HEADER_BYTES || length > 0xffff) return false;
  uint64_t sum = sum_native(addresses, address_bytes) + native(PROTOCOL_TCP) + native((uint16_t)length);
  return sum_fold(sum + sum_native(tcp, length)) == 0xffff;
}

static bool ipv4_ok(const uint8_t *packet, size_t length) {
  size_t header = (size_t)(packet[0] & 15) * 4, total = word_at(packet + 2);
  bool is_whole = header >= 20 && total >= header && total <= length && (word_at(packet + 6) & 0x3fff) == 0;
  return is_whole && packet[9] == PROTOCOL_TCP && is_sound(packet + 12, 8, packet + header, total - header);
}

static bool ipv6_ok(const uint8_t *packet, size_t length) {
  size_t payload = word_at(packet + 4);
  return packet[6] == PROTOCOL_TCP && 40 + payload <= length && is_sound(packet + 8, 32, packet + 40, payload);
}

bool tcp_checksum_ok(const uint8_t *packet, size_t length) {
  if (length >= 40 && packet[0] >> 4 == 4) return ipv4_ok(packet, length);
  return length >= 60 && packet[0] >> 4 == 6 && ipv6_ok(packet, length);
}
