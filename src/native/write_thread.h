// A thread that writes packets to a device in place of the event loop's. A write to a device costs the copy of its payload and the
// kernel's receiving of it, up to waking whoever waits there: more than half of the time of who sends much. The thread must be woken
// for each burst, which a round trip would feel: it is given packets only while there is much to do.
#ifndef SYNWAVE_WRITE_THREAD_H
#define SYNWAVE_WRITE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "packet_io.h"

// Stretches of memory that lasts.
#define MAX_STRETCHES 32

typedef struct write_thread write_thread;

// What became of a packet.
typedef enum {
  LEFT_TO_CALLER,  // write it; everything before it is written
  TAKEN,           // the thread writes it
  NO_ROOM,         // the device has none, and more waits than the thread may hold
} handover;

// One that begins when there is much. Every packet has a number; once all up to it are written, `*done` is the number behind it. That stays
// where it is until write_thread_end(). NULL where the thread would have to share the only processor with its caller.
write_thread *write_thread_new(int fd, const packet_writer *writer, size_t link_bytes, int32_t *done);

// It takes packets whose payload lies in memory that lasts: nobody gives it back, and nobody changes what of it is to be written. False when
// there are MAX_STRETCHES of it.
bool write_thread_add_memory(write_thread *thread, payload_buffer lasting);

// Tells of packets that were written or taken: whether the thread takes any from now on depends on them. Returns whether it does.
bool write_thread_note(write_thread *thread, int packets, size_t bytes, uint64_t now_ns);

// Offers a packet. In order: what the caller is left with may be written at once. Waits for the thread where it must.
handover write_thread_offer(write_thread *thread, const struct iovec *vectors, int count, int32_t number);

// Whether packets wait that were taken.
bool write_thread_holds(const write_thread *thread);

// Corrects counts: those of a packet that is taken are taken for those of one that was written in one piece.
void write_thread_correct(write_thread *thread, write_result *result);

// Waits until all that was taken is written, as far as the device has room. Takes NULL, too.
void write_thread_end(write_thread *thread);

#endif
