// One timer of the kernel on Node's event loop, finer than the millisecond of the loop's own: the class `Alarm`.
#ifndef SYNWAVE_ALARM_H
#define SYNWAVE_ALARM_H

#include <node_api.h>

// Adds the class `Alarm` to the module. See `NativeAlarm` in binding.ts.
napi_status alarm_export(napi_env env, napi_value exports);

#endif
