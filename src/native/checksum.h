// The checksum of TCP: of packets that were read, verified while they lie in the cache, and sums for those to be written.
#ifndef SYNWAVE_CHECKSUM_H
#define SYNWAVE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// True when the `length` octets at `packet` are a whole IPv4 or IPv6 packet of TCP, without extension headers and no
// fragment, whose TCP checksum is right. Of everything else nothing is said.
bool tcp_checksum_ok(const uint8_t *packet, size_t length);

// One's complement sums of 16-bit words in the machine's order (RFC 1071 §2 B).

// Adds a range that stands `position` octets into what is summed: after an odd number the halves of its words are swapped.
uint16_t sum_add(uint16_t sum, const uint8_t *bytes, size_t length, size_t position);

// The same, and copies the range.
uint16_t sum_copy(uint16_t sum, uint8_t *to, const uint8_t *bytes, size_t length, size_t position);

// A sum of words, in 16 bits. It is 0 only when all of them are.
uint16_t sum_fold(uint64_t sum);

#endif
