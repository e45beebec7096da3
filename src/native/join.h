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

// Octets of the headers of a packet to which a segment may be joined that follows it: a whole and verified segment of data, or such
// joined. 0 for any other.
size_t segments_open(const read_packet *packet, size_t link_bytes);

// True when the segment `next` may be joined to `packet`: both are whole and verified, of one connection, and differ in nothing but
// what two segments that were cut from one would, or in that they are shorter or pushed. Of `next` only the headers are looked at.
// `beyond_ip`: also when that becomes longer than its IP header can tell.
bool segments_match(const read_packet *packet, const read_packet *next, size_t link_bytes, bool beyond_ip);

// Joins `next`, which matches, to `packet`; `payload` is what lies behind its headers, somewhere behind `packet` in the same
// memory. Of `packet` PSH and the hints are changed, and, while IP can tell the length, that and both checksums: it is a
// packet whose TCP checksum is not finished (HINT_UNFINISHED). Beyond that its headers stay (HINT_LONG).
void segments_join(read_packet *packet, const read_packet *next, const uint8_t *payload, size_t link_bytes);

// True when both only acknowledge, on one connection, and `next` acknowledges more: it differs in nothing but that number, the window
// and the timestamps.
bool ack_advances(const read_packet *packet, const read_packet *next, size_t link_bytes);

// Puts `next`, which acknowledges more, in the place of `packet`, and notes that there was one.
void ack_supersede(read_packet *packet, const read_packet *next);

// Whether `packet` stands for several acknowledgments.
bool ack_is_several(const read_packet *packet);

#endif
