// Moves packets between a packet descriptor and memory laid out for JavaScript: batched reads into a slab, gathered
// writes from descriptors. Knows nothing of JavaScript itself.
#ifndef SYNWAVE_PACKET_IO_H
#define SYNWAVE_PACKET_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// Room left for each read: the largest IP packet, with a virtio-net header before it. A read into less would cut the
// packet short without a word.
#define PACKET_ROOM 65664

// The most octets behind its link header that an IP packet can tell of.
#define MOST_IP_BYTES 65535

// Packets start on cache lines, which also aligns their headers.
#define PACKET_ALIGNMENT 64

// Pieces of one packet's payload that one write takes; the sender joins them when there are more.
#define MAX_PIECES 64

// Octets of the virtio-net header before each packet of a descriptor that has them: struct virtio_net_hdr, and padding
// that aligns the IP header behind it.
#define VNET_HEADER_BYTES 16

// What is known of a packet that was read, by its virtio-net header or from a look at it: the TCP payload of the largest of the
// segments joined in it in the low half (0: it is one segment), and these bits. `PacketHint` in stack/link.ts has the same.
#define HINT_SEGMENT_BYTES 0xffff
#define HINT_VERIFIED 0x10000    // its checksum is right, or the kernel vouches for it
#define HINT_UNFINISHED 0x20000  // its checksum field holds the sum of the pseudo header only
#define HINT_LONG 0x40000        // longer than its IP header tells
// Segments that it has more than its length tells, because some of those joined were shorter, or because it took the place of
// acknowledgments.
#define HINT_EXTRA_SHIFT 19
#define HINT_MOST_EXTRA 0xfff

// The hint for a header with these fields, in the machine's byte order.
int32_t vnet_hints(uint8_t flags, uint8_t gso_type, uint16_t gso_size);

// The hints of a packet, which is looked at when the kernel does not vouch for it. Frames with a tag are not: the stack
// verifies those.
int32_t verified_hints(int32_t hints, const uint8_t *packet, size_t length);

// Which segments that follow one another become one packet.
enum {
  JOIN_NOTHING = 0,
  JOIN_WITHIN_IP = 1,  // up to the length that the IP header can tell
  JOIN_BEYOND_IP = 2,  // any
};

// Where reads go. Packet `i` of a batch is slab[offsets[i] … offsets[i] + lengths[i]).
typedef struct {
  uint8_t *slab;
  size_t slab_bytes;
  int32_t *offsets;
  int32_t *lengths;
  int32_t *hints;
  size_t begin;         // where in the slab to start, a multiple of PACKET_ALIGNMENT
  int capacity;         // entries in each of the three
  size_t link_bytes;    // of the header before that of IP: 14 of Ethernet, or 0
  size_t header_bytes;  // of the virtio-net header: VNET_HEADER_BYTES or 0
  int joins;            // JOIN_*
  uint8_t *streak;      // how regularly packets follow the one before, of all batches: up to MOST_STREAK
} read_area;

// From half of it on the next packet is expected to go on with the one before. One that does not must be moved, which costs as much as
// several joined ones save: it counts as many.
#define MOST_STREAK 16
#define BROKEN_STREAK 8

// Headers of a packet that may be joined to another: virtio-net, Ethernet, IPv6, TCP.
#define MOST_BORROWED_BYTES (VNET_HEADER_BYTES + 14 + 40 + 60)

// Where a packet is read to, with its virtio-net header. When it is expected to go on with the segment before it, that is where its
// payload comes to lie behind that one's, and its headers meanwhile over the end of it.
typedef struct {
  size_t at;
  size_t borrowed;  // octets there that belong to the packet before
  uint8_t kept[MOST_BORROWED_BYTES];
} read_place;

// Chooses where the next packet is read to, behind the `count` that the batch holds. False when there is no room.
bool place_next(const read_area *area, int count, read_place *place);

// Restores what was borrowed, for a place that is not used.
void give_back(const read_area *area, const read_place *place);

// Adds the packet that was read there: `length` octets from the link header on. Returns how many there are now. What was borrowed
// is as it was.
int packet_add(const read_area *area, int count, const read_place *place, size_t length, int32_t hints);

// Reads until the kernel has no more or the area is full. Returns the number of packets; `*error` is 0 or the errno
// that ended the batch (never EAGAIN).
int packets_read(int fd, const read_area *area, int *error);

// A buffer that payload lies in, as it is now.
typedef struct {
  const uint8_t *data;
  size_t bytes;
} payload_buffer;

// Looks up a payload buffer by number; `data` is NULL when there is none.
typedef payload_buffer (*find_buffer)(void *context, int32_t index);

struct write_thread;

// What to write. A packet is described by int32 values: offset of its header in the arena, length of the header, number
// of payload pieces, then buffer number, offset and length of each piece.
typedef struct {
  const uint8_t *arena;
  size_t arena_bytes;
  const int32_t *descriptors;
  size_t descriptor_count;
  find_buffer find;
  void *context;
  size_t header_bytes;  // of the virtio-net header that the descriptor wants before each packet, or 0
  size_t link_bytes;    // of the header before that of IP, as in read_area
  bool is_socket;       // see packet_socket.h; else it is a device's
  bool is_software;     // each packet has a virtio-net header, and what it asks for is done here
  struct write_thread *thread;  // that packets may be handed to, or NULL
  int32_t first_number;         // of the first packet, as the thread numbers them
} write_area;

// How a flush went.
typedef struct {
  int taken;    // packets done with, dropped ones included
  int dropped;  // packets that the kernel or a detached buffer refused, each of those that were cut
  int written;  // packets that the kernel took, each of those that were cut
  int bytes;    // written, virtio-net headers not counted
  int error;    // 0; EAGAIN: the rest waits for a writable descriptor; ENOBUFS: the rest waits; ENODEV and others: the device is gone
  bool refuses_long;  // the kernel takes no packet that is longer than IP can tell
} write_result;

// Writes up to `packets` packets, one system call each, or one for each that is cut here.
void packets_write(int fd, const write_area *area, int packets, write_result *result);

// How one kind of descriptor is written to.
typedef struct {
  // Writes a packet gathered from so many vectors; there is room for one more behind them. Returns as writev().
  ssize_t (*write)(int fd, struct iovec *vectors, int count);
  // What an errno of it means for the packets behind: as `error` of write_result, 0 when only that packet is bad.
  int (*verdict)(int fd, int number);
  size_t header_bytes;  // as that of write_area
} packet_writer;

// How a device is.
packet_writer device_writer(size_t header_bytes);

// Writes one packet, and adds to the counts of `result`. Returns 0, or the error that keeps everything back.
int packet_write(int fd, const packet_writer *writer, struct iovec *vectors, int count, write_result *result);

// Octets in so many vectors.
size_t vectors_bytes(const struct iovec *vectors, int count);

// The same with one that may be longer than IP can tell, where it has a virtio-net header.
int packet_write_any(int fd, const packet_writer *writer, size_t link_bytes, struct iovec *vectors, int count,
                     write_result *result);

#endif
