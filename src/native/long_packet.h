// Packets that hold more than the length field of an IP header can tell, for descriptors behind which the kernel cuts segments.
#ifndef SYNWAVE_LONG_PACKET_H
#define SYNWAVE_LONG_PACKET_H

#include <stddef.h>
#include <sys/uio.h>

#include "packet_io.h"

// Writes what the vectors hold behind a virtio-net header, segments of TCP of more than MOST_IP_BYTES, and adds to the counts of
// `result`: in one piece where the header says that the kernel may be given that and the kernel takes it, else in parts.
// Returns as segments_write.
int long_packet_write(int fd, const packet_writer *writer, const struct iovec *vectors, int count, write_result *result);

#endif
