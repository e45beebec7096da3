// The port's life on the event loop. Memory safety rests on three things: arrays shared with JavaScript are checked for
// detachment before they are used, whenever it has run since, nothing is touched after a callback that may have closed the port, and the port is freed
// by the last of its owners.
#include "packet_port.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "packet_socket.h"

// However busy the device is, timers and other handles get their turn after this long.
#define SPIN_LIMIT_NS 1000000u
// Batches after which a port does not spin when that was in the way.
#define SKIPPED_SPINS 16

static int32_t *control_of(packet_port *port) { return port->memory[MEMORY_CONTROL].data; }

// True when JavaScript still owns all the memory that the port points into.
static bool memory_intact(packet_port *port, unsigned first, unsigned last) {
  for (unsigned i = first; i <= last; i++) {
    napi_value buffer = NULL;
    bool detached = true;
    if (napi_get_reference_value(port->env, port->memory[i].buffer, &buffer) != napi_ok || buffer == NULL) return false;
    if (napi_is_detached_arraybuffer(port->env, buffer, &detached) != napi_ok || detached) return false;
  }
  return true;
}

// An exception out of the callback is the program's bug: it surfaces as 'uncaughtException', as one from any other
// event source does. At teardown there may be none although the call failed.
static void surface_exception(napi_env env) {
  bool pending = false;
  napi_value exception;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &exception) != napi_ok) return;
  napi_fatal_exception(env, exception);
}

// Calls JavaScript; its microtasks and ticks have run when this returns. The port may be closed by then.
static void emit(packet_port *port, int event, int value) {
  napi_env env = port->env;
  napi_value self, callback, arguments[2], ignored;
  if (napi_get_reference_value(env, port->self, &self) != napi_ok || self == NULL) return;
  if (napi_get_reference_value(env, port->callback, &callback) != napi_ok || callback == NULL) return;
  if (napi_create_int32(env, event, &arguments[0]) != napi_ok) return;
  if (napi_create_int32(env, value, &arguments[1]) != napi_ok) return;
  if (napi_make_callback(env, port->async, self, callback, 2, arguments, &ignored) != napi_ok) surface_exception(env);
}

static void on_poll(uv_poll_t *handle, int status, int events);
static void on_before_sleep(uv_prepare_t *handle);

// Tells libuv what to wait for.
static void watch(packet_port *port) {
  int events = (port->reading ? UV_READABLE : 0) | (port->draining ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(&port->poll);
  } else {
    uv_poll_start(&port->poll, events, on_poll);
  }
}

static void fail(packet_port *port, int number) {
  port->reading = false;
  port->draining = false;
  uv_poll_stop(&port->poll);
  uv_prepare_stop(&port->before_sleep);
  emit(port, EVENT_FAILED, number);
}

// True when JavaScript still owns what is read into. Nobody else can take it away, so it need not be asked again before
// JavaScript has run: a port that spins looks for packets a million times a second.
static bool reading_intact(packet_port *port) {
  return memory_intact(port, MEMORY_SLAB, MEMORY_TABLE) && memory_intact(port, MEMORY_CONTROL, MEMORY_CONTROL);
}

// Into memory that is intact.
static int read_batch(packet_port *port, int *error) {
  shared_array *slab = &port->memory[MEMORY_SLAB];
  shared_array *table = &port->memory[MEMORY_TABLE];
  int capacity = (int)(table->length / 3);
  int32_t *words = table->data;
  size_t begin = (size_t)(uint32_t)control_of(port)[CONTROL_BEGIN] & ~(size_t)(PACKET_ALIGNMENT - 1);
  read_area area = {slab->data, slab->length, words,    words + capacity,     words + 2 * capacity,
                    begin,      capacity,     port->use.link_bytes, port->use.vnet_bytes,
                    control_of(port)[CONTROL_JOIN],
                    &port->streak};
  if (port->use.is_socket) return socket_read(port->use.fd, &area, error, &port->refused);
  return packets_read(port->use.fd, &area, error);
}

// True when JavaScript has something better to do than to wait: packets to flush, an immediate, a timer that is due. Looks
// into memory that is intact.
static bool loop_busy(packet_port *port) {
  return uv_backend_timeout(port->poll.loop) == 0 || control_of(port)[CONTROL_QUEUED] > 0;
}

// Packets that come as soon as the port has stopped spinning were kept back by it: who sends them waits for this
// processor. It goes to sleep at once for some batches then.
static void note_sleep(packet_port *port) {
  if (port->missed_ns != 0 && uv_hrtime() - port->missed_ns < port->spin_ns) port->spins_to_skip = SKIPPED_SPINS;
  port->missed_ns = 0;
}

// Whether to look for more packets before the loop sleeps.
static bool may_spin(packet_port *port, int count, uint64_t begun) {
  if (port->spin_ns == 0 || !port->reading) return false;
  uint64_t now = uv_hrtime();
  if (count > 0) {
    port->last_ns = now;
    if (port->spins_to_skip > 0) {
      port->spins_to_skip--;
      return false;
    }
  }
  if (now - port->last_ns < port->spin_ns) return now - begun < SPIN_LIMIT_NS;
  port->missed_ns = now;
  return false;
}

// One batch; then, when the port is told to spin, it looks again for a while before it goes back to sleep, because a
// wake-up through epoll costs more than a round trip. What JavaScript has to do meanwhile is done first.
static void deliver(packet_port *port) {
  uint64_t begun = uv_hrtime();
  int capacity = (int)(port->memory[MEMORY_TABLE].length / 3);
  bool intact = reading_intact(port);
  for (;;) {
    int error = 0;
    int count = intact ? read_batch(port, &error) : 0;
    if (count > 0) {
      emit(port, EVENT_PACKETS, count);
      if (port->closed) return;
      intact = reading_intact(port);
    }
    if (!intact) error = EFAULT;
    if (error != 0) {
      fail(port, error);
      return;
    }
    if (count == capacity || !may_spin(port, count, begun)) return;
    if (loop_busy(port)) {
      uv_prepare_start(&port->before_sleep, on_before_sleep);
      return;
    }
  }
}

// The loop has been round, and would sleep now unless it is busy still.
static void on_before_sleep(uv_prepare_t *handle) {
  packet_port *port = handle->data;
  napi_handle_scope scope;
  if (port->closed || napi_open_handle_scope(port->env, &scope) != napi_ok) return;
  napi_env env = port->env;
  port->owners++;
  bool too_late = !may_spin(port, 0, port->last_ns);
  if (too_late || !reading_intact(port) || !loop_busy(port)) {
    uv_prepare_stop(handle);
    if (!too_late) deliver(port);
  }
  port_release(port);
  napi_close_handle_scope(env, scope);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
  packet_port *port = handle->data;
  napi_handle_scope scope;
  if (port->closed || napi_open_handle_scope(port->env, &scope) != napi_ok) return;
  napi_env env = port->env;
  port->owners++;
  if (status < 0) {
    // The kernel reports EPOLLERR for a device that is no more.
    fail(port, port->use.is_socket ? socket_failure(port->use.fd) : ENODEV);
  } else {
    if (events & UV_WRITABLE) {
      port->draining = false;
      watch(port);
      emit(port, EVENT_WRITABLE, 0);
    }
    if ((events & UV_READABLE) && !port->closed && port->reading) {
      note_sleep(port);
      deliver(port);
    }
  }
  port_release(port);
  napi_close_handle_scope(env, scope);
}

// The environment waits for its hook until the last of them is closed.
static void on_uv_closed(uv_handle_t *handle) {
  packet_port *port = handle->data;
  if (--port->open_handles == 0 && port->hook != NULL) napi_remove_async_cleanup_hook(port->hook);
  port_release(port);
}

// The environment goes away: a worker that ends, or the process. No JavaScript may run any more.
static void on_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  port_close(data);
}

int port_open(napi_env env, const descriptor_use *use, uint64_t spin_ns, packet_port **result) {
  uv_loop_t *loop;
  packet_port *port = calloc(1, sizeof *port);
  if (port == NULL) return UV_ENOMEM;
  port->env = env;
  port->use = *use;
  port->spin_ns = spin_ns;
  int failure = napi_get_uv_event_loop(env, &loop) == napi_ok ? uv_poll_init(loop, &port->poll, use->fd) : UV_EINVAL;
  if (failure != 0) {
    free(port);
    return failure;
  }
  port->poll.data = port;
  uv_prepare_init(loop, &port->before_sleep);
  uv_unref((uv_handle_t *)&port->before_sleep);
  port->before_sleep.data = port;
  port->open_handles = 2;
  port->owners = 1 + port->open_handles;
  if (napi_add_async_cleanup_hook(env, on_teardown, port, &port->hook) != napi_ok) port->hook = NULL;
  *result = port;
  return 0;
}

napi_status port_bind(packet_port *port, napi_value self, napi_value callback) {
  napi_value name;
  napi_status status = napi_create_string_utf8(port->env, "SYNWAVE_PORT", NAPI_AUTO_LENGTH, &name);
  if (status == napi_ok) status = napi_async_init(port->env, self, name, &port->async);
  if (status == napi_ok) status = napi_create_reference(port->env, self, 1, &port->self);
  if (status == napi_ok) status = napi_create_reference(port->env, callback, 1, &port->callback);
  return status;
}

void port_set_reading(packet_port *port, bool reading) {
  if (port->closed) return;
  port->reading = reading;
  watch(port);
}

// Finds and holds the memory of an array of at least so many octets.
static napi_status hold(napi_env env, napi_value bytes, size_t least, shared_array *held) {
  napi_typedarray_type type;
  napi_value buffer;
  napi_status status = napi_get_typedarray_info(env, bytes, &type, &held->length, &held->data, &buffer, NULL);
  if (status == napi_ok && (type != napi_uint8_array || held->length < least)) status = napi_invalid_arg;
  return status == napi_ok ? napi_create_reference(env, buffer, 1, &held->buffer) : status;
}

napi_status port_use_slab(packet_port *port, napi_value slab) {
  shared_array held;
  napi_status status = hold(port->env, slab, PACKET_ROOM, &held);
  if (status != napi_ok) return status;
  napi_delete_reference(port->env, port->memory[MEMORY_SLAB].buffer);
  port->memory[MEMORY_SLAB] = held;
  return napi_ok;
}

napi_status port_use_payload(packet_port *port, napi_value payload, bool *used) {
  shared_array held;
  *used = false;
  if (port->writer == NULL && port->use.is_alone) {
    const packet_writer writer = device_writer(port->use.vnet_bytes);
    port->writer = write_thread_new(port->use.fd, &writer, port->use.link_bytes, control_of(port) + CONTROL_DONE);
  }
  if (port->writer == NULL) return napi_ok;
  napi_status status = port->stretches < MAX_STRETCHES ? hold(port->env, payload, 1, &held) : napi_invalid_arg;
  if (status != napi_ok) return status;
  port->payload[port->stretches++] = held.buffer;
  *used = write_thread_add_memory(port->writer, (payload_buffer){held.data, held.length});
  return napi_ok;
}

int port_pull(packet_port *port) {
  int error = EFAULT;
  int count = reading_intact(port) ? read_batch(port, &error) : 0;
  if (memory_intact(port, MEMORY_CONTROL, MEMORY_CONTROL)) control_of(port)[CONTROL_ERROR] = error;
  return count;
}

// Remembers the last buffer that was looked up: consecutive segments lie in the same one.
typedef struct {
  napi_env env;
  napi_value buffers;
  int32_t index;
  payload_buffer found;
} buffer_cursor;

static payload_buffer find_payload(void *context, int32_t index) {
  buffer_cursor *cursor = context;
  if (index == cursor->index) return cursor->found;
  napi_value array;
  napi_typedarray_type type;
  void *data = NULL;
  size_t length = 0;
  cursor->index = index;
  cursor->found = (payload_buffer){NULL, 0};
  if (napi_get_element(cursor->env, cursor->buffers, (uint32_t)index, &array) != napi_ok) return cursor->found;
  if (napi_get_typedarray_info(cursor->env, array, &type, &length, &data, NULL, NULL) != napi_ok) return cursor->found;
  if (type == napi_uint8_array) cursor->found = (payload_buffer){data, length};
  return cursor->found;
}

static void note_written(packet_port *port, const write_result *result) {
  size_t bytes = result->bytes > 0 ? (size_t)result->bytes : 0;
  if (port->use.thread != NULL) receive_thread_note(port->use.thread, result->written, bytes, uv_hrtime());
  if (port->writer != NULL)
    control_of(port)[CONTROL_THREAD] = write_thread_note(port->writer, result->written, bytes, uv_hrtime());
}

int port_flush(packet_port *port, int packets, napi_value buffers) {
  if (!memory_intact(port, MEMORY_ARENA, MEMORY_CONTROL)) return -1;
  shared_array *arena = &port->memory[MEMORY_ARENA];
  shared_array *descriptors = &port->memory[MEMORY_DESCRIPTORS];
  int32_t *control = control_of(port);
  buffer_cursor cursor = {port->env, buffers, -1, {NULL, 0}};
  write_area area = {arena->data,  arena->length, descriptors->data, descriptors->length,
                     find_payload, &cursor,       port->use.vnet_bytes,  port->use.link_bytes,
                     port->use.is_socket, port->use.is_software, port->writer, control[CONTROL_NUMBER]};
  write_result result;
  packets_write(port->use.fd, &area, packets, &result);
  note_written(port, &result);
  if (port->writer != NULL) write_thread_correct(port->writer, &result);
  if (port->writer == NULL || !write_thread_holds(port->writer))
    control[CONTROL_DONE] = (int32_t)((uint32_t)area.first_number + (uint32_t)result.taken);
  control[CONTROL_DROPPED] = result.dropped;
  control[CONTROL_BYTES] = result.bytes;
  control[CONTROL_WRITTEN] = result.written;
  control[CONTROL_ERROR] = result.error;
  if (result.refuses_long) control[CONTROL_LONG] = 0;
  if (result.error == EAGAIN && !port->draining) {
    port->draining = true;
    watch(port);
  }
  return result.taken;
}

int port_take_drops(packet_port *port) {
  int refused = port->refused;
  port->refused = 0;
  return refused + socket_drops(port->use.fd);
}

void port_close(packet_port *port) {
  if (port->closed) return;
  port->closed = true;
  uv_poll_stop(&port->poll);
  uv_close((uv_handle_t *)&port->poll, on_uv_closed);
  uv_close((uv_handle_t *)&port->before_sleep, on_uv_closed);
  write_thread_end(port->writer);
  port->writer = NULL;
  receive_thread_end(port->use.thread);
  port->use.thread = NULL;
  close(port->use.fd);
  port->use.fd = -1;
  if (port->async != NULL) napi_async_destroy(port->env, port->async);
  if (port->self != NULL) napi_delete_reference(port->env, port->self);
  if (port->callback != NULL) napi_delete_reference(port->env, port->callback);
  for (int i = 0; i < MEMORY_COUNT; i++) {
    if (port->memory[i].buffer != NULL) napi_delete_reference(port->env, port->memory[i].buffer);
    port->memory[i] = (shared_array){NULL, NULL, 0};
  }
  while (port->stretches > 0) napi_delete_reference(port->env, port->payload[--port->stretches]);
  port->async = NULL;
  port->self = NULL;
  port->callback = NULL;
}

void port_release(packet_port *port) {
  if (--port->owners == 0) free(port);
}
