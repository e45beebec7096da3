#include "receive_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rate_window.h"

// To have the thread begin or end costs a fraction of a millisecond.
// Much: so many packets in a second, of this length on average. Short ones are requests and answers, which somebody awaits.
#define MANY_PACKETS 20000u
#define LONG_BYTES 512u
// Little: not that many.
#define FEW_PACKETS 5000u

struct receive_thread {
  int fd;               // of the attribute that has it work
  atomic_int owners;    // the port, and who writes the attribute
  atomic_bool wanted;   // that it works
  atomic_bool writing;  // somebody is about to write what is wanted
  rate_window window;
};

#if defined(SYS_fsopen) && defined(SYS_fsconfig) && defined(SYS_fsmount)
// Commands of fsconfig(2); not all headers have them.
#define CREATE 6

// The devices of the caller's namespace, whatever is mounted at /sys.
static int open_sysfs(void) {
  int mount = -1, sysfs = (int)syscall(SYS_fsopen, "sysfs", 0);
  if (sysfs < 0) return -1;
  if (syscall(SYS_fsconfig, sysfs, CREATE, NULL, NULL, 0) == 0) mount = (int)syscall(SYS_fsmount, sysfs, 0, 0);
  close(sysfs);
  return mount;
}
#else
static int open_sysfs(void) { return -1; }
#endif

static int open_attribute(const char *device) {
  char path[64];
  int sysfs = open_sysfs();
  if (sysfs < 0) return -1;
  snprintf(path, sizeof path, "class/net/%s/threaded", device);
  int fd = openat(sysfs, path, O_WRONLY | O_CLOEXEC);
  close(sysfs);
  return fd;
}

static bool put(int fd, bool on) { return pwrite(fd, on ? "1" : "0", 1, 0) == 1; }

receive_thread *receive_thread_find(const char *device) {
  int fd = open_attribute(device);
  if (fd < 0) return NULL;
  receive_thread *thread = put(fd, false) ? calloc(1, sizeof *thread) : NULL;
  if (thread == NULL) {
    close(fd);
    return NULL;
  }
  thread->fd = fd;
  atomic_init(&thread->owners, 1);
  return thread;
}

static void release(receive_thread *thread) {
  if (atomic_fetch_sub(&thread->owners, 1) > 1) return;
  close(thread->fd);
  free(thread);
}

void receive_thread_end(receive_thread *thread) {
  if (thread == NULL) return;
  if (atomic_exchange(&thread->wanted, false)) put(thread->fd, false);
  release(thread);
}

// The kernel may take its time: it waits for locks, and for the thread to end.
static void *write_wanted(void *data) {
  receive_thread *thread = data;
  bool wanted;
  do {
    wanted = atomic_load(&thread->wanted);
    put(thread->fd, wanted);
    atomic_store(&thread->writing, false);
  } while (atomic_load(&thread->wanted) != wanted && !atomic_exchange(&thread->writing, true));
  release(thread);
  return NULL;
}

static void want(receive_thread *thread, bool on) {
  pthread_t writer;
  if (atomic_exchange(&thread->wanted, on) == on || atomic_exchange(&thread->writing, true)) return;
  atomic_fetch_add(&thread->owners, 1);
  if (pthread_create(&writer, NULL, write_wanted, thread) == 0) {
    pthread_detach(writer);
    return;
  }
  atomic_store(&thread->writing, false);
  atomic_store(&thread->wanted, !on);
  release(thread);
}

void receive_thread_note(receive_thread *thread, int packets, size_t bytes, uint64_t now_ns) {
  rate seen;
  if (!rate_window_add(&thread->window, packets, bytes, now_ns, &seen)) return;
  if (seen.packets < FEW_PACKETS) want(thread, false);
  else if (seen.packets > MANY_PACKETS && seen.bytes > seen.packets * LONG_BYTES) want(thread, true);
}
