// The two inner loops: read() until there is no more, writev() per packet.
#include "packet_io.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "checksum.h"
#include "join.h"
#include "long_packet.h"
#include "packet_socket.h"
#include "segmentation.h"
#include "tun_device.h"
#include "write_thread.h"

int32_t vnet_hints(uint8_t flags, uint8_t gso_type, uint16_t gso_size) {
  int32_t hints = 0;
  if (flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) hints = HINT_VERIFIED | HINT_UNFINISHED;
  if (flags & VIRTIO_NET_HDR_F_DATA_VALID) hints |= HINT_VERIFIED;
  if (gso_type != VIRTIO_NET_HDR_GSO_NONE) hints |= gso_size;
  return hints;
}

// The device was told to speak little-endian.
static int32_t read_hints(const uint8_t *at) {
  struct virtio_net_hdr header;
  memcpy(&header, at, sizeof header);
  return vnet_hints(header.flags, header.gso_type, le16toh(header.gso_size));
}

int32_t verified_hints(int32_t hints, const uint8_t *packet, size_t length) {
  return (hints & HINT_VERIFIED) || !tcp_checksum_ok(packet, length) ? hints : hints | HINT_VERIFIED;
}

// Octets of a packet that may be moved to be joined to another.
#define MOST_MOVED_BYTES 4096

static int32_t hints_of(const read_area *area, size_t at, size_t length) {
  int32_t hints = area->header_bytes > 0 ? read_hints(area->slab + at) : 0;
  size_t headers = area->header_bytes + area->link_bytes;
  return length <= headers ? hints : verified_hints(hints, area->slab + at + headers, length - headers);
}

// Behind everything that the batch holds.
static size_t next_position(const read_area *area, int count) {
  if (count == 0) return area->begin;
  size_t end = (size_t)area->offsets[count - 1] + (size_t)area->lengths[count - 1];
  return (end + PACKET_ALIGNMENT - 1) & ~(size_t)(PACKET_ALIGNMENT - 1);
}

static read_packet packet_of(const read_area *area, int number) {
  return (read_packet){area->slab + area->offsets[number], (size_t)area->lengths[number], area->hints[number]};
}

bool place_next(const read_area *area, int count, read_place *place) {
  place->at = next_position(area, count);
  place->borrowed = 0;
  // Also for one that is read over the end of another it must be so: it may have to move there.
  if (area->slab_bytes < place->at + PACKET_ROOM) return false;
  if (count == 0 || !area->joins || *area->streak < MOST_STREAK / 2) return true;
  read_packet last = packet_of(area, count - 1);
  size_t headers = segments_open(&last, area->link_bytes);
  if (headers == 0) return true;
  place->borrowed = area->header_bytes + headers;
  place->at = (size_t)area->offsets[count - 1] + last.length - place->borrowed;
  memcpy(place->kept, area->slab + place->at, place->borrowed);
  return true;
}

void give_back(const read_area *area, const read_place *place) {
  memcpy(area->slab + place->at, place->kept, place->borrowed);
}

static int add_apart(const read_area *area, int count, size_t at, size_t length, int32_t hints) {
  area->offsets[count] = (int32_t)(at + area->header_bytes);
  area->lengths[count] = (int32_t)length;
  area->hints[count] = hints;
  return count + 1;
}

static void add_to_last(const read_area *area, int count, read_packet *last, const read_packet *next, const uint8_t *payload) {
  segments_join(last, next, payload, area->link_bytes);
  area->lengths[count - 1] = (int32_t)last->length;
  area->hints[count - 1] = last->hints;
}

// Whether packet `number` acknowledges more than the one before it.
static bool is_ack_of_more(const read_area *area, int number) {
  if (number < 1) return false;
  read_packet packet = packet_of(area, number - 1), next = packet_of(area, number);
  return ack_advances(&packet, &next, area->link_bytes);
}

// Of acknowledgments in a row, each of which acknowledges more, those in the midst tell nothing of their own. A duplicate does, and the
// first one that acknowledges more than it: so two steps must be seen before the one that is left out.
static bool take_ack_place(const read_area *area, int count, const read_packet *next) {
  read_packet last = packet_of(area, count - 1);
  if (!ack_advances(&last, next, area->link_bytes)) return false;
  if (!ack_is_several(&last) && !(is_ack_of_more(area, count - 1) && is_ack_of_more(area, count - 2))) return false;
  if ((last.hints >> HINT_EXTRA_SHIFT & HINT_MOST_EXTRA) == HINT_MOST_EXTRA) return false;
  ack_supersede(&last, next);
  area->hints[count - 1] = last.hints;
  return true;
}

static void lengthen_streak(const read_area *area) {
  if (*area->streak < MOST_STREAK) ++*area->streak;
}

static void break_streak(const read_area *area) {
  *area->streak = *area->streak > BROKEN_STREAK ? *area->streak - BROKEN_STREAK : 0;
}

// The packet lies behind the one before, and not over its end.
static int add_behind(const read_area *area, int count, size_t at, size_t length, int32_t hints) {
  if (count == 0 || !area->joins) return add_apart(area, count, at, length, hints);
  read_packet last = packet_of(area, count - 1);
  read_packet next = {area->slab + at + area->header_bytes, length, hints};
  if (!segments_match(&last, &next, area->link_bytes, area->joins == JOIN_BEYOND_IP)) {
    if (area->joins == JOIN_BEYOND_IP && take_ack_place(area, count, &next)) return count;
    if (segments_open(&last, area->link_bytes) > 0) break_streak(area);
    return add_apart(area, count, at, length, hints);
  }
  lengthen_streak(area);
  // To move much costs more than to be one more packet.
  if (length > MOST_MOVED_BYTES) return add_apart(area, count, at, length, hints);
  add_to_last(area, count, &last, &next, next.bytes + segments_open(&last, area->link_bytes));
  return count;
}

int packet_add(const read_area *area, int count, const read_place *place, size_t length, int32_t hints) {
  size_t borrowed = place->borrowed, bytes = area->header_bytes + length;
  if (borrowed == 0) return add_behind(area, count, place->at, length, hints);
  uint8_t *at = area->slab + place->at, headers[MOST_BORROWED_BYTES] = {0};
  memcpy(headers, at, bytes < borrowed ? bytes : borrowed);
  give_back(area, place);
  read_packet last = packet_of(area, count - 1);
  read_packet next = {headers + area->header_bytes, length, hints};
  if (segments_match(&last, &next, area->link_bytes, area->joins == JOIN_BEYOND_IP)) {
    lengthen_streak(area);
    add_to_last(area, count, &last, &next, at + borrowed);
    return count;
  }
  break_streak(area);
  size_t own = next_position(area, count);
  if (bytes > borrowed) memmove(area->slab + own + borrowed, at + borrowed, bytes - borrowed);
  memcpy(area->slab + own, headers, bytes < borrowed ? bytes : borrowed);
  return add_apart(area, count, own, length, hints);
}

int packets_read(int fd, const read_area *area, int *error) {
  read_place place;
  int count = 0;
  *error = 0;
  while (count < area->capacity && place_next(area, count, &place)) {
    ssize_t length = read(fd, area->slab + place.at, PACKET_ROOM);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) *error = errno == EBADFD ? ENODEV : errno;
      break;
    }
    if (length <= (ssize_t)area->header_bytes) {
      give_back(area, &place);
      break;
    }
    int32_t hints = hints_of(area, place.at, (size_t)length);
    count = packet_add(area, count, &place, (size_t)length - area->header_bytes, hints);
  }
  return count;
}

static bool inside(int32_t offset, int32_t length, size_t bytes) {
  return offset >= 0 && length >= 0 && (size_t)offset + (size_t)length <= bytes;
}

// Gathers one packet from its descriptor. Returns the number of vectors, or 0 when a piece lies outside its buffer,
// which is what a buffer looks like that was detached (transferred to another thread) while it waited here.
static int gather(const write_area *area, const int32_t *descriptor, struct iovec *vectors) {
  int pieces = descriptor[2];
  if (!inside(descriptor[0], descriptor[1], area->arena_bytes)) return 0;
  vectors[0].iov_base = (void *)(area->arena + descriptor[0]);
  vectors[0].iov_len = (size_t)descriptor[1];
  for (int i = 0; i < pieces; i++) {
    const int32_t *piece = descriptor + 3 + 3 * i;
    payload_buffer buffer = area->find(area->context, piece[0]);
    if (buffer.data == NULL || !inside(piece[1], piece[2], buffer.bytes)) return 0;
    vectors[i + 1].iov_base = (void *)(buffer.data + piece[1]);
    vectors[i + 1].iov_len = (size_t)piece[2];
  }
  return pieces + 1;
}

// What a failed write means for the packets behind it. EIO is what a device says that is administratively down, and it
// may come up again; one bad packet says nothing about the next.
static int device_verdict(int fd, int number) {
  switch (number) {
    case EAGAIN:
    case ENOBUFS:
      return EAGAIN;
    case EBADFD:
    case EBADF:
    case ENODEV:
      return ENODEV;
    case EIO:
      return tun_alive(fd) ? 0 : ENODEV;
    default:
      return 0;
  }
}

static ssize_t device_write(int fd, struct iovec *vectors, int count) {
  for (;;) {
    ssize_t written = count == 1 ? write(fd, vectors->iov_base, vectors->iov_len) : writev(fd, vectors, count);
    if (written >= 0 || errno != EINTR) return written;
  }
}

int packet_write(int fd, const packet_writer *writer, struct iovec *vectors, int count, write_result *result) {
  ssize_t written = writer->write(fd, vectors, count);
  if (written > 0) {
    result->written++;
    result->bytes += (int)written - (int)writer->header_bytes;
    return 0;
  }
  int error = written < 0 ? writer->verdict(fd, errno) : 0;
  if (error == 0) result->dropped++;
  return error;
}

packet_writer device_writer(size_t header_bytes) {
  return (packet_writer){device_write, device_verdict, header_bytes};
}

size_t vectors_bytes(const struct iovec *vectors, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += vectors[i].iov_len;
  return bytes;
}

int packet_write_any(int fd, const packet_writer *writer, size_t link_bytes, struct iovec *vectors, int count,
                     write_result *result) {
  bool may_be_long = writer->header_bytes > 0;
  if (may_be_long && vectors_bytes(vectors, count) > writer->header_bytes + link_bytes + MOST_IP_BYTES)
    return long_packet_write(fd, writer, vectors, count, result);
  return packet_write(fd, writer, vectors, count, result);
}

static int write_one(int fd, const write_area *area, const packet_writer *writer, struct iovec *vectors, int count,
                     write_result *result) {
  if (area->is_software) return segments_write(fd, writer, vectors, count, result);
  if (area->thread != NULL) {
    handover what = write_thread_offer(area->thread, vectors, count, area->first_number + result->taken);
    if (what == NO_ROOM) return EAGAIN;
    if (what == TAKEN) {
      result->written++;
      result->bytes += (int)(vectors_bytes(vectors, count) - writer->header_bytes);
      return 0;
    }
  }
  return packet_write_any(fd, writer, area->link_bytes, vectors, count, result);
}

void packets_write(int fd, const write_area *area, int packets, write_result *result) {
  struct iovec vectors[MAX_PIECES + 2];
  const packet_writer writer = area->is_socket
                                   ? (packet_writer){socket_write, socket_verdict, area->header_bytes}
                                   : device_writer(area->header_bytes);
  size_t at = 0;
  *result = (write_result){0};
  while (result->taken < packets) {
    if (area->descriptor_count - at < 3) break;
    const int32_t *descriptor = area->descriptors + at;
    if (descriptor[2] < 0 || descriptor[2] > MAX_PIECES) break;
    size_t words = 3 + 3 * (size_t)descriptor[2];
    if (area->descriptor_count - at < words) break;

    int count = gather(area, descriptor, vectors);
    if (count == 0) result->dropped++;
    else result->error = write_one(fd, area, &writer, vectors, count, result);
    if (result->error != 0) return;
    result->taken++;
    at += words;
  }
  // Only descriptors that make no sense end the loop early; nothing behind them can be found.
  result->dropped += packets - result->taken;
  result->taken = packets;
}
