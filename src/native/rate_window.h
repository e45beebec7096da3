// How much is written in a second, by the packets of a short period.
#ifndef SYNWAVE_RATE_WINDOW_H
#define SYNWAVE_RATE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_WINDOW_NS 20000000u

typedef struct {
  uint64_t begun_ns, packets, bytes;
} rate_window;

// Per second.
typedef struct {
  uint64_t packets, bytes;
} rate;

// Counts. True once the period is over, which then begins anew: `*seen` is the rate in it. What rested for a second has none.
static inline bool rate_window_add(rate_window *window, int packets, size_t bytes, uint64_t now_ns, rate *seen) {
  const uint64_t second_ns = 1000000000u;
  uint64_t took = now_ns - window->begun_ns;
  window->packets += (uint64_t)packets;
  window->bytes += bytes;
  if (took < RATE_WINDOW_NS) return false;
  bool rested = took >= second_ns;
  *seen = (rate){rested ? 0 : window->packets * second_ns / took, rested ? 0 : window->bytes * second_ns / took};
  *window = (rate_window){now_ns, 0, 0};
  return true;
}

#endif
