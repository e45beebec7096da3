// Cutting what left as one into packets: what the virtio-net header asks for, where the payload lies, and the headers of a part.
// Only the fields that differ from part to part are written anew.
#ifndef SYNWAVE_CUTTING_H
#define SYNWAVE_CUTTING_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "packet_io.h"

// The virtio-net header, that of Ethernet with a tag, and the longest of IPv6 and TCP.
#define MOST_HEADER_BYTES (VNET_HEADER_BYTES + 18 + 40 + 60)

// Places in a TCP header.
#define TCP_CHECKSUM 16

// In the padding of the virtio-net header: how many segments have left, in the machine's order.
#define AT_DONE 10

// A position in gathered memory.
typedef struct {
  const struct iovec *vectors;
  size_t at;  // in the first of them
} cursor;

// Moves by `length` octets, all of which are there, and lists where they lie. Returns how many vectors that takes.
int cursor_advance(cursor *from, size_t length, struct iovec *vectors);

// Moves by `length` octets and copies them.
void cursor_copy(cursor *from, uint8_t *to, size_t length);

// What is asked for.
typedef struct {
  size_t header_bytes;  // of all headers behind the virtio-net header
  size_t ip_at, tcp_at;
  int version;  // of IP where segments are cut, else 0
  size_t payload_bytes;
  size_t segment_bytes;
} request;

// False when what is asked for makes no sense. `bytes` are those behind the virtio-net header.
bool read_request(const struct virtio_net_hdr *header, size_t bytes, request *asked);

// Makes the headers those of a part that begins with segment `number` and has `length` octets of payload. Its checksum field
// has the sum of the pseudo header afterwards.
void cut(uint8_t *packet, const request *asked, size_t number, size_t length);

static inline uint16_t get16(const uint8_t *at) {
  uint16_t number;
  memcpy(&number, at, sizeof number);
  return number;
}

static inline void put16(uint8_t *at, uint16_t number) { memcpy(at, &number, sizeof number); }

#endif
