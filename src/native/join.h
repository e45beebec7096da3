// Received segments that follow one another become one, as a receiving device would join them: what is done for each packet
// is then done once for many.
#ifndef SYNWAVE_JOIN_H
#define SYNWAVE_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A packet that was read, from its link header on, and its hints (packet_io.h).
typedef struct {
  uint8_t *bytes;
  size_t length;
  int32_t hints;
} read_packet;

// Puts the payload of `next` behind that of `packet` when both are whole and verified segments of one connection, and differ in
// nothing but what two segments that were cut from one would. `next` lies behind `packet` in the same memory, and is
// undone by it. Of `packet` the IP length, both checksums, PSH and the hints are changed: it is a packet whose TCP checksum is
// not finished (HINT_UNFINISHED).
bool segments_join(read_packet *packet, const read_packet *next, size_t link_bytes);

#endif
