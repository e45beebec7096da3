#include "write_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rate_window.h"

// Packets that may wait, a power of two. Those of 256 KiB take the kernel a millisecond.
#define SLOTS 64u
// The longest header that is copied, with the payload that JavaScript copied behind it.
#define HEADER_ROOM 1024
// Much, in bytes a second, when packets have this length on average: shorter ones cost more to hand over than to write.
#define MUCH_BYTES 400000000u
#define LONG_BYTES 32768u
// Little.
#define LITTLE_BYTES 100000000u
// A packet before which nothing waits is taken from this length on.
#define TAKEN_BYTES 16384u
// How often room is looked for in a device that had none, and told nothing since.
#define RETRY_NS 1000000
#define RETRY_MS 1

typedef struct {
  int32_t number;
  int count;
  uint8_t header[HEADER_ROOM];
  struct iovec vectors[MAX_PIECES + 2];
} slot;

struct write_thread {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int fd;
  packet_writer writer;
  size_t link_bytes;
  payload_buffer lasting[MAX_STRETCHES];
  int stretches;
  int32_t *done;
  // The caller's.
  bool started, cannot_start;
  bool in_use;  // it gives packets
  rate_window window;
  atomic_bool sleeping, closing;
  atomic_bool blocked;  // the device has no room
  atomic_uint taken, written;  // packets, of all time
  // To be corrected in counts, and why nothing can be written any more.
  atomic_int more_written, more_bytes, more_dropped, error;
  atomic_bool refuses_long;
  slot slots[SLOTS];
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static bool is_empty(const write_thread *thread) {
  return atomic_load(&thread->written) == atomic_load(&thread->taken);
}

bool write_thread_holds(const write_thread *thread) { return !is_empty(thread); }

static void wait_for_room(write_thread *thread, int tries) {
  struct pollfd device = {thread->fd, POLLOUT, 0};
  const struct timespec pause = {0, RETRY_NS};
  atomic_store(&thread->blocked, true);
  // Memory that the kernel lacks is none of what it tells of.
  if (tries > 0) nanosleep(&pause, NULL);
  poll(&device, 1, RETRY_MS);
}

static void note_result(write_thread *thread, const write_result *result, size_t bytes) {
  if (result->written != 1) atomic_fetch_add(&thread->more_written, result->written - 1);
  if (result->bytes != (int)bytes) atomic_fetch_add(&thread->more_bytes, result->bytes - (int)bytes);
  if (result->dropped != 0) atomic_fetch_add(&thread->more_dropped, result->dropped);
  if (result->refuses_long) atomic_store(&thread->refuses_long, true);
}

static void write_slot(write_thread *thread, slot *it) {
  write_result result = {0};
  size_t bytes = vectors_bytes(it->vectors, it->count) - thread->writer.header_bytes;
  int error = 0;
  for (int tries = 0;; tries++) {
    error = packet_write_any(thread->fd, &thread->writer, thread->link_bytes, it->vectors, it->count, &result);
    if (error != EAGAIN || atomic_load(&thread->closing)) break;
    wait_for_room(thread, tries);
  }
  atomic_store(&thread->blocked, false);
  if (error != 0) {
    result.dropped++;
    if (error != EAGAIN) atomic_store(&thread->error, error);
  }
  note_result(thread, &result, bytes);
}

// Returns false when there will be none.
static bool wait_for_packet(write_thread *thread) {
  pthread_mutex_lock(&thread->mutex);
  atomic_store(&thread->sleeping, true);
  while (is_empty(thread) && !atomic_load(&thread->closing)) pthread_cond_wait(&thread->wake, &thread->mutex);
  atomic_store(&thread->sleeping, false);
  pthread_mutex_unlock(&thread->mutex);
  return !is_empty(thread);
}

static void *run(void *data) {
  write_thread *thread = data;
  while (!is_empty(thread) || wait_for_packet(thread)) {
    unsigned written = atomic_load(&thread->written);
    slot *it = &thread->slots[written % SLOTS];
    write_slot(thread, it);
    __atomic_store_n(thread->done, (int32_t)((uint32_t)it->number + 1), __ATOMIC_RELEASE);
    atomic_store(&thread->written, written + 1);
  }
  return NULL;
}

static void wake(write_thread *thread) {
  pthread_mutex_lock(&thread->mutex);
  pthread_cond_signal(&thread->wake);
  pthread_mutex_unlock(&thread->mutex);
}

static bool has_processor_of_its_own(void) {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) > 1;
}

// Signals are for the program's own threads.
static bool start(write_thread *thread) {
  sigset_t all, before;
  if (thread->started || thread->cannot_start) return thread->started;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread->started = pthread_create(&thread->thread, NULL, run, thread) == 0;
  thread->cannot_start = !thread->started;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (thread->started) pthread_setname_np(thread->thread, "synwave-write");
  return thread->started;
}

write_thread *write_thread_new(int fd, const packet_writer *writer, size_t link_bytes, int32_t *done) {
  write_thread *thread = has_processor_of_its_own() ? calloc(1, sizeof *thread) : NULL;
  if (thread == NULL) return NULL;
  thread->fd = fd;
  thread->writer = *writer;
  thread->link_bytes = link_bytes;
  thread->done = done;
  pthread_mutex_init(&thread->mutex, NULL);
  pthread_cond_init(&thread->wake, NULL);
  return thread;
}

bool write_thread_note(write_thread *thread, int packets, size_t bytes, uint64_t now_ns) {
  rate seen;
  if (!rate_window_add(&thread->window, packets, bytes, now_ns, &seen)) return thread->in_use;
  if (seen.bytes < LITTLE_BYTES) thread->in_use = false;
  else if (seen.bytes > MUCH_BYTES && seen.bytes > seen.packets * LONG_BYTES) thread->in_use = start(thread);
  return thread->in_use;
}

bool write_thread_add_memory(write_thread *thread, payload_buffer lasting) {
  if (thread->stretches == MAX_STRETCHES) return false;
  thread->lasting[thread->stretches++] = lasting;
  return true;
}

static bool lasts(const write_thread *thread, const struct iovec *piece) {
  const uint8_t *at = piece->iov_base;
  for (const payload_buffer *it = thread->lasting; it < thread->lasting + thread->stretches; it++)
    if (at >= it->data && at < it->data + it->bytes) return piece->iov_len <= (size_t)(it->data + it->bytes - at);
  return false;
}

// Whether it may wait: the header in a copy, the payload where it lies.
static bool may_wait(const write_thread *thread, const struct iovec *vectors, int count) {
  if (vectors->iov_len > HEADER_ROOM) return false;
  for (int i = 1; i < count; i++)
    if (!lasts(thread, vectors + i)) return false;
  return true;
}

// Until no more than `most` packets wait. False when the device keeps them back.
static bool wait_for_thread(const write_thread *thread, unsigned most) {
  for (unsigned spins = 1; atomic_load(&thread->taken) - atomic_load(&thread->written) > most; spins++) {
    if (atomic_load(&thread->blocked)) return false;
    if (spins % 128 == 0) sched_yield();
    else relax();
  }
  return true;
}

static void put(write_thread *thread, const struct iovec *vectors, int count, int32_t number) {
  unsigned taken = atomic_load(&thread->taken);
  slot *it = &thread->slots[taken % SLOTS];
  it->number = number;
  it->count = count;
  memcpy(it->header, vectors->iov_base, vectors->iov_len);
  memcpy(it->vectors, vectors, (size_t)count * sizeof *vectors);
  it->vectors[0].iov_base = it->header;
  atomic_store(&thread->taken, taken + 1);
  if (atomic_load(&thread->sleeping)) wake(thread);
}

handover write_thread_offer(write_thread *thread, const struct iovec *vectors, int count, int32_t number) {
  bool waiting = !is_empty(thread);
  if (!waiting && (!thread->in_use || vectors_bytes(vectors, count) < TAKEN_BYTES)) return LEFT_TO_CALLER;
  if (!may_wait(thread, vectors, count)) return wait_for_thread(thread, 0) ? LEFT_TO_CALLER : NO_ROOM;
  if (!wait_for_thread(thread, SLOTS - 1)) return NO_ROOM;
  put(thread, vectors, count, number);
  return TAKEN;
}

void write_thread_correct(write_thread *thread, write_result *result) {
  result->written += atomic_exchange(&thread->more_written, 0);
  result->bytes += atomic_exchange(&thread->more_bytes, 0);
  result->dropped += atomic_exchange(&thread->more_dropped, 0);
  if (atomic_exchange(&thread->refuses_long, false)) result->refuses_long = true;
  if (result->error == 0) result->error = atomic_load(&thread->error);
}

void write_thread_end(write_thread *thread) {
  if (thread == NULL) return;
  atomic_store(&thread->closing, true);
  wake(thread);
  if (thread->started) pthread_join(thread->thread, NULL);
  pthread_cond_destroy(&thread->wake);
  pthread_mutex_destroy(&thread->mutex);
  free(thread);
}
