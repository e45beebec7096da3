// A timerfd watched by uv_poll. The loop itself sleeps in whole milliseconds, in which a link of 100 Mbit/s sends eight
// packets; a timerfd wakes it after the kernel's high-resolution timer. Freed by the last of its two owners, as a port is.
#include "alarm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#define NS_PER_MS 1e6
#define NS_PER_S 1000000000

// Longer delays are clamped: an owner that wakes too early looks at its clock and sets the alarm again.
#define LONGEST_MS 86400000.0

typedef struct {
  uv_poll_t poll;
  napi_env env;
  napi_async_cleanup_hook_handle hook;
  napi_async_context async;
  napi_ref self;  // strong while the alarm is open
  napi_ref callback;
  int fd;
  int owners;  // the JavaScript object and the uv handle
  bool closed;
} alarm_clock;

static void release(alarm_clock *alarm) {
  if (--alarm->owners == 0) free(alarm);
}

static void on_uv_closed(uv_handle_t *handle) {
  alarm_clock *alarm = handle->data;
  if (alarm->hook != NULL) napi_remove_async_cleanup_hook(alarm->hook);
  release(alarm);
}

static void close_alarm(alarm_clock *alarm) {
  if (alarm->closed) return;
  alarm->closed = true;
  uv_poll_stop(&alarm->poll);
  uv_close((uv_handle_t *)&alarm->poll, on_uv_closed);
  close(alarm->fd);
  if (alarm->async != NULL) napi_async_destroy(alarm->env, alarm->async);
  if (alarm->self != NULL) napi_delete_reference(alarm->env, alarm->self);
  if (alarm->callback != NULL) napi_delete_reference(alarm->env, alarm->callback);
  alarm->async = NULL;
  alarm->self = NULL;
  alarm->callback = NULL;
}

static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_alarm(data);
}

// An exception out of the callback surfaces as 'uncaughtException', as one from Node's own timers does.
static void ring(alarm_clock *alarm) {
  napi_env env = alarm->env;
  napi_value self, callback, ignored, exception;
  bool pending = false;
  if (napi_get_reference_value(env, alarm->self, &self) != napi_ok || self == NULL) return;
  if (napi_get_reference_value(env, alarm->callback, &callback) != napi_ok || callback == NULL) return;
  if (napi_make_callback(env, alarm->async, self, callback, 0, NULL, &ignored) == napi_ok) return;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
  alarm_clock *alarm = handle->data;
  uint64_t expirations;
  napi_handle_scope scope;
  (void)status;
  (void)events;
  // Set again or cancelled between the wake-up and here, the descriptor has nothing to read.
  if (alarm->closed || read(alarm->fd, &expirations, sizeof expirations) < 0) return;
  if (napi_open_handle_scope(alarm->env, &scope) != napi_ok) return;
  napi_env env = alarm->env;
  alarm->owners++;
  ring(alarm);
  release(alarm);
  napi_close_handle_scope(env, scope);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_alarm(data);
  release(data);
}

static void throw_errno(napi_env env, const char *syscall, int number) {
  napi_value code, message, error;
  const char *name = uv_err_name(-number);
  if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code) == napi_ok &&
      napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &message) == napi_ok &&
      napi_create_error(env, code, message, &error) == napi_ok)
    napi_throw(env, error);
}

// Makes the timer and its handle. Returns NULL with an exception pending.
static alarm_clock *open_alarm(napi_env env) {
  uv_loop_t *loop;
  alarm_clock *alarm = calloc(1, sizeof *alarm);
  int fd = alarm == NULL ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) {
    throw_errno(env, "timerfd_create", alarm == NULL ? ENOMEM : errno);
    free(alarm);
    return NULL;
  }
  alarm->env = env;
  alarm->fd = fd;
  int failure = napi_get_uv_event_loop(env, &loop) == napi_ok ? uv_poll_init(loop, &alarm->poll, fd) : UV_EINVAL;
  if (failure != 0) {
    close(fd);
    free(alarm);
    throw_errno(env, "epoll_ctl", -failure);
    return NULL;
  }
  alarm->poll.data = alarm;
  alarm->owners = 2;
  uv_poll_start(&alarm->poll, UV_READABLE, on_poll);
  uv_unref((uv_handle_t *)&alarm->poll);
  if (napi_add_async_cleanup_hook(env, on_teardown, alarm, &alarm->hook) != napi_ok) alarm->hook = NULL;
  return alarm;
}

// new Alarm(callback)
static napi_value construct(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value callback, self, target, name;
  napi_valuetype type;
  if (napi_get_cb_info(env, info, &count, &callback, &self, NULL) != napi_ok) return NULL;
  if (napi_get_new_target(env, info, &target) != napi_ok || target == NULL || count < 1 ||
      napi_typeof(env, callback, &type) != napi_ok || type != napi_function) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "new Alarm(callback): callback must be a function");
    return NULL;
  }
  alarm_clock *alarm = open_alarm(env);
  if (alarm == NULL) return NULL;
  if (napi_wrap(env, self, alarm, finalize, NULL, NULL) != napi_ok) {
    finalize(env, alarm, NULL);
    return NULL;
  }
  if (napi_create_string_utf8(env, "SYNWAVE_ALARM", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, self, name, &alarm->async) != napi_ok ||
      napi_create_reference(env, self, 1, &alarm->self) != napi_ok ||
      napi_create_reference(env, callback, 1, &alarm->callback) != napi_ok) {
    close_alarm(alarm);
    return NULL;
  }
  return self;
}

// The alarm behind `this`, or NULL when it is closed.
static alarm_clock *open_self(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments) {
  napi_value self;
  alarm_clock *alarm;
  if (napi_get_cb_info(env, info, count, arguments, &self, NULL) != napi_ok) return NULL;
  if (napi_unwrap(env, self, (void **)&alarm) != napi_ok || alarm->closed) return NULL;
  return alarm;
}

static void program(alarm_clock *alarm, int64_t delay_ns) {
  struct itimerspec setting = {{0, 0}, {delay_ns / NS_PER_S, delay_ns % NS_PER_S}};
  timerfd_settime(alarm->fd, 0, &setting, NULL);
}

// set(delayMs)
static napi_value set(napi_env env, napi_callback_info info) {
  size_t count = 1;
  double delay_ms = 0;
  napi_value argument;
  alarm_clock *alarm = open_self(env, info, &count, &argument);
  if (alarm == NULL) return NULL;
  if (count < 1 || napi_get_value_double(env, argument, &delay_ms) != napi_ok || delay_ms != delay_ms) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "set(delayMs): delayMs must be a number");
    return NULL;
  }
  if (delay_ms > LONGEST_MS) delay_ms = LONGEST_MS;
  // A delay of zero would disarm the timer.
  int64_t delay_ns = delay_ms * NS_PER_MS >= 1 ? (int64_t)(delay_ms * NS_PER_MS) : 1;
  program(alarm, delay_ns);
  return NULL;
}

static napi_value cancel(napi_env env, napi_callback_info info) {
  size_t count = 0;
  alarm_clock *alarm = open_self(env, info, &count, NULL);
  if (alarm != NULL) program(alarm, 0);
  return NULL;
}

static napi_value ref(napi_env env, napi_callback_info info) {
  size_t count = 0;
  alarm_clock *alarm = open_self(env, info, &count, NULL);
  if (alarm != NULL) uv_ref((uv_handle_t *)&alarm->poll);
  return NULL;
}

static napi_value unref(napi_env env, napi_callback_info info) {
  size_t count = 0;
  alarm_clock *alarm = open_self(env, info, &count, NULL);
  if (alarm != NULL) uv_unref((uv_handle_t *)&alarm->poll);
  return NULL;
}

static napi_value close_self(napi_env env, napi_callback_info info) {
  size_t count = 0;
  alarm_clock *alarm = open_self(env, info, &count, NULL);
  if (alarm != NULL) close_alarm(alarm);
  return NULL;
}

#define METHOD(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL }

napi_status alarm_export(napi_env env, napi_value exports) {
  napi_value constructor;
  const napi_property_descriptor methods[] = {
      METHOD("set", set),     METHOD("cancel", cancel), METHOD("ref", ref),
      METHOD("unref", unref), METHOD("close", close_self),
  };
  napi_status status = napi_define_class(env, "Alarm", NAPI_AUTO_LENGTH, construct, NULL,
                                         sizeof methods / sizeof methods[0], methods, &constructor);
  return status == napi_ok ? napi_set_named_property(env, exports, "Alarm", constructor) : status;
}
