#include "checksum.h"

#include <string.h>

#define PROTOCOL_TCP 6
#define TCP_HEADER_BYTES 20

typedef uint32_t lanes __attribute__((vector_size(16)));

static uint64_t word_at(const uint8_t *bytes) {
  return (uint64_t)bytes[0] << 8 | bytes[1];
}

// Sum of the 16-bit words as this machine reads them: the one's complement sum does not depend on the order of octets
// (RFC 1071 §2 B), as long as all of it is in one order. A lane holds the sum of 2^16 words, far more than a packet has.
static uint64_t sum_native(const uint8_t *bytes, size_t length) {
  lanes even = {0}, odd = {0};
  for (; length >= sizeof(lanes); bytes += sizeof(lanes), length -= sizeof(lanes)) {
    lanes words;
    memcpy(&words, bytes, sizeof words);
    even += words & 0xffff;
    odd += words >> 16;
  }
  uint64_t sum = 0;
  for (int i = 0; i < 4; i++) sum += (uint64_t)even[i] + odd[i];
  for (; length >= 2; bytes += 2, length -= 2) {
    uint16_t word;
    memcpy(&word, bytes, sizeof word);
    sum += word;
  }
  if (length > 0) {
    uint16_t word = 0;
    memcpy(&word, bytes, 1);
    sum += word;
  }
  return sum;
}

uint16_t sum_fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

uint16_t sum_add(uint16_t sum, const uint8_t *bytes, size_t length, size_t position) {
  uint16_t own = sum_fold(sum_native(bytes, length));
  return sum_fold((uint64_t)sum + (position & 1 ? (uint16_t)(own << 8 | own >> 8) : own));
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
