// A thread of the kernel's that takes in what is written to a device: threaded NAPI. Without it the writer does that work within
// its write, packet by packet; the thread joins those of a connection that follow one another (GRO), as a network card's
// driver does, on another processor. It has to be woken for each burst, which a round trip would feel: it works only while
// there is much to do.
#ifndef SYNWAVE_RECEIVE_THREAD_H
#define SYNWAVE_RECEIVE_THREAD_H

#include <stddef.h>
#include <stdint.h>

typedef struct receive_thread receive_thread;

// The thread of a device that was attached to with IFF_NAPI, at rest. NULL where the kernel has none, or does not let us have it.
// The calling thread is in the namespace of the device.
receive_thread *receive_thread_find(const char *device);

// Tells of packets that were written: whether the thread works from now on depends on them.
void receive_thread_note(receive_thread *thread, int packets, size_t bytes, uint64_t now_ns);

// Waits until the thread is through with what was written: a device that goes takes with it what it has not. Takes NULL, too.
void receive_thread_end(receive_thread *thread);

#endif
