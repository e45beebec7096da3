// Slabs go out as external ArrayBuffers, and their finalizers bring them back: on the event loop, a little after the
// collection of garbage that found nobody who refers to them.
#include "slab_pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SLAB_ALIGNMENT 4096

// V8 takes each ArrayBuffer for new memory, and begins a collection of everything after every few megabytes of it; here it
// is the same memory all the time. So V8 is told of this much at once, far more than the pool has, and what an ArrayBuffer
// adds is taken off again until it is used up.
#define CHARGED_AT_ONCE ((int64_t)512 << 20)

typedef struct {
  napi_env env;
  size_t slab_bytes;
  int64_t charged;  // to V8, and not taken off yet
  int limit;
  int made;
  int idle;      // of them, how many lie in `slabs`
  int owners;    // the JavaScript object, and every slab that is out; the last one frees
  bool closed;
  uint8_t **slabs;
} slab_pool;

static void charge(slab_pool *pool, int64_t bytes) {
  int64_t total;
  pool->charged += bytes;
  napi_adjust_external_memory(pool->env, bytes, &total);
}

static void release(slab_pool *pool) {
  if (--pool->owners > 0) return;
  free(pool->slabs);
  free(pool);
}

static void close_pool(slab_pool *pool) {
  if (pool->closed) return;
  pool->closed = true;
  charge(pool, -pool->charged);
  while (pool->idle > 0) free(pool->slabs[--pool->idle]);
}

// The JavaScript object is gone.
static void finalize_pool(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_pool(data);
  release(data);
}

// Nobody refers to the slab any more.
static void finalize_slab(napi_env env, void *slab, void *data) {
  slab_pool *pool = data;
  (void)env;
  if (pool->closed) {
    free(slab);
  } else {
    pool->slabs[pool->idle++] = slab;
  }
  release(pool);
}

// Any slab, the one that came back last if there is one: it may still lie in the cache.
static uint8_t *take_slab(slab_pool *pool) {
  if (pool->idle > 0) return pool->slabs[--pool->idle];
  if (pool->made == pool->limit) return NULL;
  uint8_t *slab = aligned_alloc(SLAB_ALIGNMENT, pool->slab_bytes);
  if (slab == NULL) return NULL;
  pool->made++;
  return slab;
}

// take(): see NativeSlabPool in binding.ts.
static napi_value take(napi_env env, napi_callback_info info) {
  size_t count = 0;
  napi_value self, buffer, none;
  slab_pool *pool;
  if (napi_get_null(env, &none) != napi_ok || napi_get_cb_info(env, info, &count, NULL, &self, NULL) != napi_ok ||
      napi_unwrap(env, self, (void **)&pool) != napi_ok || pool->closed)
    return none;
  uint8_t *slab = take_slab(pool);
  if (slab == NULL) return none;
  if (napi_create_external_arraybuffer(env, slab, pool->slab_bytes, finalize_slab, pool, &buffer) != napi_ok) {
    // An engine whose ArrayBuffers live in a cage of their own: there is no use in asking again.
    pool->slabs[pool->idle++] = slab;
    close_pool(pool);
    return none;
  }
  if (pool->charged < (int64_t)pool->slab_bytes) charge(pool, CHARGED_AT_ONCE);
  charge(pool, -(int64_t)pool->slab_bytes);
  pool->owners++;
  return buffer;
}

// available(): see NativeSlabPool in binding.ts.
static napi_value available(napi_env env, napi_callback_info info) {
  size_t count = 0;
  napi_value self, number = NULL;
  slab_pool *pool;
  if (napi_get_cb_info(env, info, &count, NULL, &self, NULL) != napi_ok ||
      napi_unwrap(env, self, (void **)&pool) != napi_ok)
    return NULL;
  napi_create_int32(env, pool->closed ? 0 : pool->idle + pool->limit - pool->made, &number);
  return number;
}

static napi_value close_self(napi_env env, napi_callback_info info) {
  size_t count = 0;
  napi_value self;
  slab_pool *pool;
  if (napi_get_cb_info(env, info, &count, NULL, &self, NULL) == napi_ok &&
      napi_unwrap(env, self, (void **)&pool) == napi_ok)
    close_pool(pool);
  return NULL;
}

// new SlabPool(slabBytes, limit)
static napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value self, arguments[2];
  int32_t bytes = 0, limit = 0;
  if (napi_get_cb_info(env, info, &count, arguments, &self, NULL) != napi_ok) return NULL;
  if (count < 2 || napi_get_value_int32(env, arguments[0], &bytes) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &limit) != napi_ok || bytes <= 0 || bytes % SLAB_ALIGNMENT != 0 ||
      limit <= 0) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "new SlabPool(slabBytes, limit): whole pages, and at least one slab");
    return NULL;
  }
  slab_pool *pool = calloc(1, sizeof *pool);
  if (pool != NULL) pool->slabs = calloc((size_t)limit, sizeof *pool->slabs);
  if (pool == NULL || pool->slabs == NULL) {
    free(pool);
    napi_throw_error(env, "ENOMEM", "no memory for a pool of slabs");
    return NULL;
  }
  pool->env = env;
  pool->slab_bytes = (size_t)bytes;
  pool->limit = limit;
  pool->owners = 1;
  if (napi_wrap(env, self, pool, finalize_pool, NULL, NULL) != napi_ok) {
    free(pool->slabs);
    free(pool);
    return NULL;
  }
  return self;
}

#define METHOD(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL }

napi_status slab_pool_export(napi_env env, napi_value exports) {
  napi_value constructor;
  const napi_property_descriptor methods[] = {METHOD("take", take), METHOD("available", available),
                                              METHOD("close", close_self)};
  napi_status status = napi_define_class(env, "SlabPool", NAPI_AUTO_LENGTH, construct, NULL,
                                         sizeof methods / sizeof methods[0], methods, &constructor);
  return status == napi_ok ? napi_set_named_property(env, exports, "SlabPool", constructor) : status;
}
