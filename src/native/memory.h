// What the process does with memory that was given back, and what V8 is told of memory: for blocks of received bytes.
#ifndef SYNWAVE_MEMORY_H
#define SYNWAVE_MEMORY_H

#include <node_api.h>

// Adds the functions `keepFreedMemory` and `adjustExternalMemory` to the module. See binding.ts.
napi_status memory_export(napi_env env, napi_value exports);

#endif
