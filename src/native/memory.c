// Both are about blocks that live for less than a millisecond, by the gigabyte a second. See receive-memory.ts.
#include "memory.h"

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

// Freed memory up to so much stays with the process, where the C library knows of such a wish.
#define KEPT_BYTES (64 << 20)
// Larger pieces are mapped by themselves, as by default, and go back to the system at once.
#define MAPPED_BYTES (4 << 20)

// keepFreedMemory()
static napi_value keep_freed_memory(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
#ifdef M_TRIM_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
  mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
#endif
  return NULL;
}

// adjustExternalMemory(bytes): what it comes to
static napi_value adjust_external_memory(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int64_t bytes = 0, total = 0;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok) return NULL;
  if (count < 1 || napi_get_value_int64(env, argument, &bytes) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "bytes is missing or no number");
    return NULL;
  }
  napi_value result = NULL;
  if (napi_adjust_external_memory(env, bytes, &total) == napi_ok) napi_create_int64(env, total, &result);
  return result;
}

static napi_status export_function(napi_env env, napi_value exports, const char *name, napi_callback call) {
  napi_value function;
  napi_status status = napi_create_function(env, name, NAPI_AUTO_LENGTH, call, NULL, &function);
  return status == napi_ok ? napi_set_named_property(env, exports, name, function) : status;
}

napi_status memory_export(napi_env env, napi_value exports) {
  napi_status status = export_function(env, exports, "keepFreedMemory", keep_freed_memory);
  return status == napi_ok ? export_function(env, exports, "adjustExternalMemory", adjust_external_memory) : status;
}
