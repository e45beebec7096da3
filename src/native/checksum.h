// The checksum of TCP in packets that were read: verified while they lie in the cache, many octets at a time.
#ifndef SYNWAVE_CHECKSUM_H
#define SYNWAVE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// True when the `length` octets at `packet` are a whole IPv4 or IPv6 packet of TCP, without extension headers and no
// fragment, whose TCP checksum is right. Of everything else nothing is said.
bool tcp_checksum_ok(const uint8_t *packet, size_t length);

#endif
