// What the servers in C have in common: their services, the answers of these, and how they tell what they have done.
#ifndef SYNWAVE_BENCH_SERVICES_H
#define SYNWAVE_BENCH_SERVICES_H

#include "common.h"

#define BODY_MOST 16384

/** They listen on a port and the ports after it, in this order. */
enum service { SINK, SOURCE, ECHO, HTTP_SMALL, HTTP_LARGE, IDLE, SERVICES };

static long long bytes_in, bytes_out, accepted;
static char small[512], large[BODY_MOST + 512];
static int small_length, large_length;

static inline int response(char *to, int body) {
  int length = sprintf(to, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", body);
  memset(to + length, 'x', body);
  return length + body;
}

static inline void prepare_responses(void) {
  small_length = response(small, 64);
  large_length = response(large, BODY_MOST);
}

/** Answers a line on standard input with a line of JSON: bytes received and sent, and the processor's time so far. */
static inline void report(void) {
  char line[64];
  if (read(STDIN_FILENO, line, sizeof line) <= 0) exit(0);
  double user, system;
  cpu_seconds(&user, &system);
  printf("{\"bytesIn\":%lld,\"bytesOut\":%lld,\"accepted\":%lld,\"userSeconds\":%.6f,\"systemSeconds\":%.6f}\n", bytes_in,
         bytes_out, accepted, user, system);
  fflush(stdout);
}

#endif
