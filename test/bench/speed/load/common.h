// What the load client and the servers share: time, the processor's time, sockets, and the end with words.
#ifndef SYNWAVE_BENCH_COMMON_H
#define SYNWAVE_BENCH_COMMON_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** What a socket is given at once, and takes at once. */
#define CHUNK_BYTES (128 * 1024)
#define EVENTS 256

static char chunk[CHUNK_BYTES];

/** Ends the program with the reason that errno has. */
static inline void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

/** Monotonic seconds. */
static inline double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/** The processor's time of this process: user and system. */
static inline void cpu_seconds(double *user, double *system) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  *user = usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6;
  *system = usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6;
}

static inline struct sockaddr_in address_of(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
    fprintf(stderr, "%s is no IPv4 address\n", host);
    exit(2);
  }
  return address;
}

static inline void set_option(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof value) != 0) die("setsockopt");
}

static inline void watch(int epoll, int operation, int fd, unsigned events, void *data) {
  struct epoll_event event = {.events = events, .data = {.ptr = data}};
  if (epoll_ctl(epoll, operation, fd, &event) != 0) die("epoll_ctl");
}

/** True when a call did not fail, or failed only because it would have had to wait. */
static inline int would_wait(void) { return errno == EAGAIN || errno == EINTR; }

#endif
