// What a virtio-net header asks of a device, done here for descriptors behind which nobody does it: the checksum of TCP, and
// the cutting of what left as one into packets.
#ifndef SYNWAVE_SEGMENTATION_H
#define SYNWAVE_SEGMENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "packet_io.h"

// Writes what the vectors hold behind a virtio-net header as this asks for, and adds to the counts of `result`. Returns 0, or
// the `error` that ended it: then the header has a note of what has left already, and a later call goes on behind that.
int segments_write(int fd, const packet_writer *writer, const struct iovec *vectors, int count, write_result *result);

#endif
