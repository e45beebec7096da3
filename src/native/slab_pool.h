// Memory for received bytes that comes back by itself, warm, once nobody refers to it any more: the class `SlabPool`.
#ifndef SYNWAVE_SLAB_POOL_H
#define SYNWAVE_SLAB_POOL_H

#include <node_api.h>

// Adds the class `SlabPool` to the module. See `NativeSlabPool` in binding.ts.
napi_status slab_pool_export(napi_env env, napi_value exports);

#endif
