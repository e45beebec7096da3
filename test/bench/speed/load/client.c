// The load of the speed bench, over the kernel's sockets, in one thread.
// usage: client ACTION HOST PORT CONNECTIONS SECONDS WARM_SECONDS
//   send, receive   bulk on so many connections
//   ping            a byte there and back on one connection, while every processor is kept from sleeping
//   connect, crr    connections one after the other, so many at a time: open and close; also with a byte there and back
//   http            requests on so many kept-alive connections
//   idle            opens the connections, says so, and holds them until standard input ends
// What happens in the first WARM_SECONDS is not counted. Prints one line of JSON.
#include "common.h"

#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#define RECEIVE_BYTES (1024 * 1024)
#define MOST_SAMPLES (1 << 20)

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

enum action { SEND, RECEIVE, PING, CONNECT, CRR, HTTP, IDLE, ACTIONS };
static const char *const NAMES[ACTIONS] = {"send", "receive", "ping", "connect", "crr", "http", "idle"};

struct slot {
  int fd;
  int connected;
  /** Payload that was written so far, for `send`. */
  long long written;
  /** Of an HTTP response: bytes of its head kept, bytes still to come (-1: the head is not whole). */
  int kept;
  long remaining;
  double begun;
  char head[1024];
};

static enum action action;
static struct sockaddr_in target;
static int epoll, counting;
static long long bytes, total_bytes, operations, failures;
static float *samples;
static int sample_count;
static struct slot *slots;
static int slot_count;

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double quantile_us(double q) {
  if (sample_count == 0) return -1;
  int i = q * sample_count;
  return samples[i < sample_count ? i : sample_count - 1] * 1e6;
}

/** One operation is done that began at `begun`. */
static void done(double begun) {
  if (!counting) return;
  operations++;
  if (sample_count < MOST_SAMPLES) samples[sample_count++] = now_seconds() - begun;
}

static void count_bytes(long long count) {
  total_bytes += count;
  if (counting) bytes += count;
}

static void start(struct slot *slot, unsigned events) {
  memset(slot, 0, sizeof *slot);
  slot->begun = now_seconds();
  slot->remaining = -1;
  slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (slot->fd < 0) die("socket");
  set_option(slot->fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (connect(slot->fd, (struct sockaddr *)&target, sizeof target) != 0 && errno != EINPROGRESS) die("connect");
  watch(epoll, EPOLL_CTL_ADD, slot->fd, events, slot);
}

/** Ends a connection by RST: nothing of it shall linger into the next measurement. */
static void reset(struct slot *slot) {
  struct linger linger = {1, 0};
  setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(slot->fd);
  slot->fd = -1;
}

static void must_be_connected(struct slot *slot) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0) return;
  errno = error;
  die("connect");
}

// ---- bulk

static void on_send(struct slot *slot) {
  ssize_t sent = send(slot->fd, chunk, sizeof chunk, MSG_NOSIGNAL);
  if (sent > 0) slot->written += sent;
  else if (!would_wait()) die("send");
}

/** Payload that the other end has acknowledged by now. */
static long long acknowledged(void) {
  long long sum = 0;
  for (int i = 0; i < slot_count; i++) {
    int queued = 0;
    if (ioctl(slots[i].fd, SIOCOUTQ, &queued) != 0) die("SIOCOUTQ");
    sum += slots[i].written - queued;
  }
  return sum;
}

/** Reads without copying: the processor is for the sender, who is measured. */
static void on_receive(struct slot *slot) {
  ssize_t got = recv(slot->fd, NULL, RECEIVE_BYTES, MSG_TRUNC);
  if (got > 0) count_bytes(got);
  else if (got == 0 || !would_wait()) die("receive");
}

// ---- connections one after the other

static void again(struct slot *slot) {
  close(slot->fd);
  start(slot, EPOLLOUT);
}

static void on_connection(struct slot *slot) {
  if (!slot->connected) {
    must_be_connected(slot);
    slot->connected = 1;
    if (action == CRR && send(slot->fd, "x", 1, MSG_NOSIGNAL) != 1) die("send");
    if (action == CONNECT) shutdown(slot->fd, SHUT_WR);
    watch(epoll, EPOLL_CTL_MOD, slot->fd, EPOLLIN, slot);
    return;
  }
  ssize_t got = recv(slot->fd, chunk, sizeof chunk, 0);
  if (got > 0) {
    shutdown(slot->fd, SHUT_WR);
  } else if (got == 0) {
    done(slot->begun);
    again(slot);
  } else if (!would_wait()) {
    failures++;
    again(slot);
  }
}

// ---- http

static void request(struct slot *slot) {
  slot->begun = now_seconds();
  slot->kept = 0;
  slot->remaining = -1;
  if (send(slot->fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != sizeof REQUEST - 1) die("send");
}

/** Looks for the end of the head; how much of the chunk was the head. */
static int take_head(struct slot *slot, int got) {
  int before = slot->kept;
  int room = (int)sizeof slot->head - 1 - before;
  int taken = got < room ? got : room;
  memcpy(slot->head + before, chunk, taken);
  slot->kept += taken;
  slot->head[slot->kept] = 0;
  char *end = strstr(slot->head, "\r\n\r\n");
  if (end == NULL) return taken;
  *end = 0;
  char *field = strcasestr(slot->head, "\r\ncontent-length:");
  if (field == NULL) {
    fprintf(stderr, "a response without Content-Length\n");
    exit(1);
  }
  slot->remaining = atol(field + strlen("\r\ncontent-length:"));
  return (int)(end + 4 - slot->head) - before;
}

static void on_http(struct slot *slot) {
  if (!slot->connected) {
    must_be_connected(slot);
    slot->connected = 1;
    watch(epoll, EPOLL_CTL_MOD, slot->fd, EPOLLIN, slot);
    request(slot);
    return;
  }
  ssize_t got = recv(slot->fd, chunk, sizeof chunk, 0);
  if (got < 0 && would_wait()) return;
  if (got <= 0) die("http");
  count_bytes(got);
  int head = slot->remaining < 0 ? take_head(slot, got) : 0;
  if (slot->remaining < 0) return;
  slot->remaining -= got - head;
  if (slot->remaining > 0) return;
  done(slot->begun);
  request(slot);
}

// ---- ping

/** One process for each processor that runs when nothing else wants to: no sleep has to be woken from. */
static void keep_awake(void) {
  int parent = getpid();
  int count = sysconf(_SC_NPROCESSORS_ONLN);
  for (int i = 0; i < count; i++) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) exit(0);
    struct sched_param none = {0};
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(i, &one);
    sched_setaffinity(0, sizeof one, &one);
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) exit(0);
    for (;;) __asm__ volatile("" ::: "memory");
  }
}

static void on_ping(struct slot *slot) {
  if (!slot->connected) {
    must_be_connected(slot);
    slot->connected = 1;
    watch(epoll, EPOLL_CTL_MOD, slot->fd, EPOLLIN, slot);
  } else {
    ssize_t got = recv(slot->fd, chunk, sizeof chunk, 0);
    if (got < 0 && would_wait()) return;
    if (got <= 0) die("ping");
    done(slot->begun);
  }
  slot->begun = now_seconds();
  if (send(slot->fd, "x", 1, MSG_NOSIGNAL) != 1) die("send");
}

// ---- idle

static void hold(void) {
  int open = 0;
  while (open < slot_count) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct slot *slot = events[i].data.ptr;
      must_be_connected(slot);
      watch(epoll, EPOLL_CTL_DEL, slot->fd, 0, NULL);
      open++;
    }
  }
  printf("{\"connections\":%d}\n", open);
  fflush(stdout);
  while (read(STDIN_FILENO, chunk, sizeof chunk) > 0) {
  }
}

static void (*const ON_EVENT[ACTIONS])(struct slot *) = {on_send, on_receive, on_ping, on_connection, on_connection, on_http, NULL};

/** Turns until the time has come. */
static void run_until(double end) {
  struct epoll_event events[EVENTS];
  for (;;) {
    double left = end - now_seconds();
    if (left <= 0) return;
    int count = epoll_wait(epoll, events, EVENTS, (int)(left * 1000) + 1);
    for (int i = 0; i < count; i++) ON_EVENT[action](events[i].data.ptr);
  }
}

static void report(double seconds) {
  double user, system;
  cpu_seconds(&user, &system);
  qsort(samples, sample_count, sizeof *samples, compare);
  printf("{\"seconds\":%.6f,\"bytes\":%lld,\"totalBytes\":%lld,\"operations\":%lld,\"failures\":%lld,"
         "\"p50Us\":%.2f,\"p99Us\":%.2f,\"userSeconds\":%.6f,\"systemSeconds\":%.6f}\n",
         seconds, bytes, total_bytes, operations, failures, quantile_us(0.5), quantile_us(0.99), user, system);
}

static void measure(double seconds, double warm) {
  double begun = now_seconds();
  run_until(begun + warm);
  counting = 1;
  double from = now_seconds();
  long long before = action == SEND ? acknowledged() : 0;
  run_until(from + seconds);
  double took = now_seconds() - from;
  if (action == SEND) {
    total_bytes = acknowledged();
    bytes = total_bytes - before;
  }
  report(took);
}

int main(int argc, char **argv) {
  while (argc == 7 && action < ACTIONS && strcmp(argv[1], NAMES[action]) != 0) action++;
  if (argc != 7 || action == ACTIONS) {
    fprintf(stderr, "usage: client ACTION HOST PORT CONNECTIONS SECONDS WARM_SECONDS\n");
    return 2;
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  target = address_of(argv[2], atoi(argv[3]));
  slot_count = atoi(argv[4]);
  slots = calloc(slot_count, sizeof *slots);
  samples = malloc(MOST_SAMPLES * sizeof *samples);
  epoll = epoll_create1(0);
  if (slots == NULL || samples == NULL || epoll < 0) die("set up");
  if (action == PING) keep_awake();
  unsigned first = action == RECEIVE ? EPOLLIN : EPOLLOUT;
  for (int i = 0; i < slot_count; i++) start(&slots[i], first);
  if (action == IDLE) hold();
  else measure(atof(argv[5]), atof(argv[6]));
  for (int i = 0; i < slot_count; i++) reset(&slots[i]);
}
