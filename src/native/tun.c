// The module: the classes `Port`, `SocketPort` and `Alarm`, and some functions. It only translates between JavaScript
// values and the C of its neighbours. It keeps no state of its own, so every environment (worker thread) may load it.
#include <errno.h>
#include <linux/if_tun.h>
#include <node_api.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alarm.h"
#include "memory.h"
#include "packet_port.h"
#include "packet_socket.h"
#include "tun_device.h"

#define PATH_ROOM 4096
#define NAME_ROOM 256
#define ETHERNET_HEADER_BYTES 14

static void throw_type(napi_env env, const char *property) {
  char message[96];
  snprintf(message, sizeof message, "%s is missing or of the wrong type", property);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
}

static void set_string(napi_env env, napi_value object, const char *key, const char *text) {
  napi_value value;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok)
    napi_set_named_property(env, object, key, value);
}

static void set_int(napi_env env, napi_value object, const char *key, int number) {
  napi_value value;
  if (napi_create_int32(env, number, &value) == napi_ok) napi_set_named_property(env, object, key, value);
}

static void set_bool(napi_env env, napi_value object, const char *key, bool truth) {
  napi_value value;
  if (napi_get_boolean(env, truth, &value) == napi_ok) napi_set_named_property(env, object, key, value);
}

// An Error with the properties that Node's own system errors have.
static void throw_system(napi_env env, const tun_error *error) {
  napi_value code, message, object;
  char text[64 + NAME_ROOM];
  const char *name = uv_err_name(-error->number);
  snprintf(text, sizeof text, "%s: %s, %s", name, strerror(error->number), error->syscall);
  if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code) != napi_ok) return;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return;
  if (napi_create_error(env, code, message, &object) != napi_ok) return;
  set_int(env, object, "errno", -error->number);
  set_string(env, object, "syscall", error->syscall);
  if (error->path != NULL) set_string(env, object, "path", error->path);
  napi_throw(env, object);
}

// Copies an optional string property. Returns false, with an exception pending, when it is something else or too long.
static bool read_string(napi_env env, napi_value object, const char *key, char *text, size_t room) {
  napi_value value;
  napi_valuetype type;
  size_t length = 0;
  text[0] = '\0';
  if (napi_get_named_property(env, object, key, &value) != napi_ok) return false;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_undefined) return true;
  if (napi_get_value_string_utf8(env, value, text, room, &length) == napi_ok && length < room - 1 &&
      strlen(text) == length)
    return true;
  throw_type(env, key);
  return false;
}

static bool read_int(napi_env env, napi_value object, const char *key, int32_t *number) {
  napi_value value;
  if (napi_get_named_property(env, object, key, &value) == napi_ok &&
      napi_get_value_int32(env, value, number) == napi_ok && *number >= 0)
    return true;
  throw_type(env, key);
  return false;
}

static bool read_bool(napi_env env, napi_value object, const char *key, bool *truth) {
  napi_value value;
  if (napi_get_named_property(env, object, key, &value) == napi_ok &&
      napi_get_value_bool(env, value, truth) == napi_ok)
    return true;
  throw_type(env, key);
  return false;
}

// Holds on to the memory of one typed array.
static bool share(napi_env env, napi_value options, const char *key, napi_typedarray_type wanted, shared_array *array) {
  napi_value value, buffer;
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  bool plain = false;
  if (napi_get_named_property(env, options, key, &value) == napi_ok &&
      napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, NULL) == napi_ok && type == wanted &&
      napi_is_arraybuffer(env, buffer, &plain) == napi_ok && plain && data != NULL &&
      napi_create_reference(env, buffer, 1, &array->buffer) == napi_ok) {
    array->data = data;
    array->length = length;
    return true;
  }
  throw_type(env, key);
  return false;
}

static bool share_all(napi_env env, napi_value options, packet_port *port) {
  shared_array *memory = port->memory;
  if (!share(env, options, "slab", napi_uint8_array, &memory[MEMORY_SLAB]) ||
      !share(env, options, "table", napi_int32_array, &memory[MEMORY_TABLE]) ||
      !share(env, options, "arena", napi_uint8_array, &memory[MEMORY_ARENA]) ||
      !share(env, options, "descriptors", napi_int32_array, &memory[MEMORY_DESCRIPTORS]) ||
      !share(env, options, "control", napi_int32_array, &memory[MEMORY_CONTROL]))
    return false;
  if (memory[MEMORY_SLAB].length >= PACKET_ROOM && memory[MEMORY_TABLE].length >= 3 &&
      memory[MEMORY_CONTROL].length >= CONTROL_WORDS)
    return true;
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "slab, table or control is too small");
  return false;
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  port_close(data);
  port_release(data);
}

// Into IFNAMSIZ bytes.
static bool copy_name(napi_env env, const char *name, char *target) {
  if (strlen(name) >= IFNAMSIZ) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "interface names have at most 15 bytes");
    return false;
  }
  memset(target, 0, IFNAMSIZ);
  memcpy(target, name, strlen(name));
  return true;
}

static bool read_request(napi_env env, napi_value options, tun_request *request, char *name, char *netns) {
  if (!read_string(env, options, "name", name, NAME_ROOM) || !read_string(env, options, "netns", netns, PATH_ROOM) ||
      !read_int(env, options, "flags", &request->flags) || !read_int(env, options, "mtu", &request->mtu) ||
      !read_int(env, options, "sendBufferBytes", &request->send_buffer) ||
      !read_bool(env, options, "disableIpv6", &request->disable_ipv6) ||
      !read_bool(env, options, "offload", &request->offload))
    return false;
  request->netns = netns[0] != '\0' ? netns : NULL;
  return copy_name(env, name, request->name);
}

static void describe(napi_env env, napi_value self, const tun_device *device) {
  set_string(env, self, "name", device->name);
  set_int(env, self, "index", device->index);
  set_int(env, self, "mtu", device->mtu);
  set_bool(env, self, "persistent", device->persistent);
  set_bool(env, self, "ipv6Disabled", device->ipv6_disabled);
  set_bool(env, self, "offload", device->offload);
}

// What the options of both kinds of port say of how it works.
typedef struct {
  napi_value self, options, callback;
  int32_t spin_us;
} port_use;

// Puts a port for an open descriptor under `self`. From napi_wrap on, the object's finalizer owns it.
static bool wrap_port(napi_env env, const port_use *use, const descriptor_use *descriptor) {
  packet_port *port;
  int failure = port_open(env, descriptor, (uint64_t)use->spin_us * 1000, &port);
  if (failure != 0) {
    close(descriptor->fd);
    receive_thread_end(descriptor->thread);
    tun_error error = {-failure, "epoll_ctl", NULL};
    throw_system(env, &error);
    return false;
  }
  if (napi_wrap(env, use->self, port, finalize, NULL, NULL) != napi_ok) {
    finalize(env, port, NULL);
    return false;
  }
  if (share_all(env, use->options, port) && port_bind(port, use->self, use->callback) == napi_ok) return true;
  port_close(port);
  return false;
}

// Takes the arguments of a constructor apart. False, with an exception pending, when they are not what they must be.
static bool read_use(napi_env env, napi_callback_info info, port_use *use) {
  size_t count = 1;
  napi_value target;
  napi_valuetype type;
  if (napi_get_cb_info(env, info, &count, &use->options, &use->self, NULL) != napi_ok) return false;
  if (napi_get_new_target(env, info, &target) != napi_ok || target == NULL || count < 1 ||
      napi_typeof(env, use->options, &type) != napi_ok || type != napi_object) {
    throw_type(env, "options");
    return false;
  }
  if (!read_int(env, use->options, "spinUs", &use->spin_us)) return false;
  if (napi_get_named_property(env, use->options, "onEvent", &use->callback) != napi_ok ||
      napi_typeof(env, use->callback, &type) != napi_ok || type != napi_function) {
    throw_type(env, "onEvent");
    return false;
  }
  return true;
}

// new Port(options): see NativePortOptions in binding.ts.
static napi_value construct(napi_env env, napi_callback_info info) {
  port_use use;
  tun_request request;
  tun_device device;
  tun_error error;
  char name[NAME_ROOM], netns[PATH_ROOM];
  if (!read_use(env, info, &use) || !read_request(env, use.options, &request, name, netns) ||
      !read_bool(env, use.options, "software", &request.software))
    return NULL;
  if (tun_open(&request, &device, &error) != 0) {
    throw_system(env, &error);
    return NULL;
  }
  bool is_alone = device.offload && (request.flags & IFF_MULTI_QUEUE) == 0;
  descriptor_use descriptor = {device.fd, device.offload ? VNET_HEADER_BYTES : 0,
                               device.ethernet ? ETHERNET_HEADER_BYTES : 0, false,
                               request.software && !device.offload, is_alone, device.thread};
  if (!wrap_port(env, &use, &descriptor)) return NULL;
  describe(env, use.self, &device);
  set_bool(env, use.self, "software", descriptor.is_software);
  return use.self;
}

// Four words an instruction: code, jt, jf, k.
static bool read_filter(napi_env env, napi_value options, struct sock_filter *program, struct sock_fprog *filter) {
  napi_value value;
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  if (napi_get_named_property(env, options, "filter", &value) != napi_ok ||
      napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok || type != napi_uint32_array ||
      length == 0 || length % 4 != 0) {
    throw_type(env, "filter");
    return false;
  }
  if (length / 4 > BPF_MAXINSNS) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "filter has more instructions than the kernel takes");
    return false;
  }
  const uint32_t *words = data;
  for (size_t i = 0; i < length / 4; i++, words += 4)
    program[i] = (struct sock_filter){(uint16_t)words[0], (uint8_t)words[1], (uint8_t)words[2], words[3]};
  *filter = (struct sock_fprog){(unsigned short)(length / 4), program};
  return true;
}

// new SocketPort(options): see SocketPortOptions in binding.ts.
static napi_value construct_socket(napi_env env, napi_callback_info info) {
  port_use use;
  socket_request request;
  socket_state state;
  tun_error error;
  struct sock_filter program[BPF_MAXINSNS];
  char name[NAME_ROOM], netns[PATH_ROOM];
  bool software;
  if (!read_use(env, info, &use) || !read_string(env, use.options, "name", name, NAME_ROOM) ||
      !copy_name(env, name, request.name) || !read_string(env, use.options, "netns", netns, PATH_ROOM) ||
      !read_filter(env, use.options, program, &request.filter) ||
      !read_bool(env, use.options, "promiscuous", &request.promiscuous) ||
      !read_bool(env, use.options, "software", &software) ||
      !read_int(env, use.options, "receiveBufferBytes", &request.receive_buffer) ||
      !read_int(env, use.options, "sendBufferBytes", &request.send_buffer))
    return NULL;
  request.netns = netns[0] != '\0' ? netns : NULL;
  if (socket_open(&request, &state, &error) != 0) {
    throw_system(env, &error);
    return NULL;
  }
  descriptor_use descriptor = {state.fd, VNET_HEADER_BYTES, ETHERNET_HEADER_BYTES, true, software, false, NULL};
  if (!wrap_port(env, &use, &descriptor)) return NULL;
  set_int(env, use.self, "index", state.index);
  set_int(env, use.self, "receiveBufferBytes", state.receive_buffer);
  set_bool(env, use.self, "software", software);
  return use.self;
}

// The port behind `this`, or NULL when it is closed.
static packet_port *open_port(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments) {
  napi_value self;
  packet_port *port;
  if (napi_get_cb_info(env, info, count, arguments, &self, NULL) != napi_ok) return NULL;
  if (napi_unwrap(env, self, (void **)&port) != napi_ok || port->closed) return NULL;
  return port;
}

static napi_value start_reading(napi_env env, napi_callback_info info) {
  size_t count = 0;
  packet_port *port = open_port(env, info, &count, NULL);
  if (port != NULL) port_set_reading(port, true);
  return NULL;
}

static napi_value stop_reading(napi_env env, napi_callback_info info) {
  size_t count = 0;
  packet_port *port = open_port(env, info, &count, NULL);
  if (port != NULL) port_set_reading(port, false);
  return NULL;
}

// useSlab(slab)
static napi_value use_slab(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value slab;
  packet_port *port = open_port(env, info, &count, &slab);
  if (port != NULL && (count < 1 || port_use_slab(port, slab) != napi_ok)) throw_type(env, "slab");
  return NULL;
}

// usePayload(payload)
static napi_value use_payload(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value payload, used = NULL;
  bool is_used = false;
  packet_port *port = open_port(env, info, &count, &payload);
  if (port != NULL && (count < 1 || port_use_payload(port, payload, &is_used) != napi_ok)) {
    throw_type(env, "payload");
    return NULL;
  }
  napi_get_boolean(env, is_used, &used);
  return used;
}

static napi_value pull(napi_env env, napi_callback_info info) {
  size_t count = 0;
  napi_value packets = NULL;
  packet_port *port = open_port(env, info, &count, NULL);
  napi_create_int32(env, port != NULL ? port_pull(port) : 0, &packets);
  return packets;
}

// flush(packets, buffers)
static napi_value flush(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], taken = NULL;
  int32_t packets;
  packet_port *port = open_port(env, info, &count, arguments);
  if (port == NULL) {
    napi_create_int32(env, 0, &taken);
    return taken;
  }
  if (count < 2 || napi_get_value_int32(env, arguments[0], &packets) != napi_ok || packets < 0) {
    throw_type(env, "packets");
    return NULL;
  }
  int done = port_flush(port, packets, arguments[1]);
  if (done < 0) {
    napi_throw_error(env, "ERR_INVALID_STATE", "memory shared with the port was transferred away");
    return NULL;
  }
  napi_create_int32(env, done, &taken);
  return taken;
}

// setOffload(on): whether the kernel went along.
static napi_value set_offload(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result = NULL;
  bool on = false;
  packet_port *port = open_port(env, info, &count, &argument);
  if (port != NULL && (count < 1 || napi_get_value_bool(env, argument, &on) != napi_ok)) {
    throw_type(env, "on");
    return NULL;
  }
  napi_get_boolean(env, port != NULL && tun_set_offload(port->use.fd, on), &result);
  return result;
}

// takeDrops(): see SocketPort in binding.ts.
static napi_value take_drops(napi_env env, napi_callback_info info) {
  size_t count = 0;
  napi_value drops = NULL;
  packet_port *port = open_port(env, info, &count, NULL);
  napi_create_int32(env, port != NULL ? port_take_drops(port) : 0, &drops);
  return drops;
}

static napi_value ref(napi_env env, napi_callback_info info) {
  size_t count = 0;
  packet_port *port = open_port(env, info, &count, NULL);
  if (port != NULL) uv_ref((uv_handle_t *)&port->poll);
  return NULL;
}

static napi_value unref(napi_env env, napi_callback_info info) {
  size_t count = 0;
  packet_port *port = open_port(env, info, &count, NULL);
  if (port != NULL) uv_unref((uv_handle_t *)&port->poll);
  return NULL;
}

static napi_value close_port(napi_env env, napi_callback_info info) {
  size_t count = 0;
  packet_port *port = open_port(env, info, &count, NULL);
  if (port != NULL) port_close(port);
  return NULL;
}

// interfaceIndex({name, netns}): 0 when there is no such interface.
static napi_value interface_index(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value options, result = NULL;
  napi_valuetype type;
  char name[NAME_ROOM], netns[PATH_ROOM];
  if (napi_get_cb_info(env, info, &count, &options, NULL, NULL) != napi_ok || count < 1 ||
      napi_typeof(env, options, &type) != napi_ok || type != napi_object) {
    throw_type(env, "options");
    return NULL;
  }
  if (!read_string(env, options, "name", name, sizeof name) || !read_string(env, options, "netns", netns, sizeof netns))
    return NULL;
  tun_error error;
  int index = tun_interface_index(name, netns[0] != '\0' ? netns : NULL, &error);
  if (index < 0) {
    throw_system(env, &error);
    return NULL;
  }
  napi_create_int32(env, index, &result);
  return result;
}

// inNamespace(path, body): what `body` returns; an exception in it is passed on when the thread is home again.
static napi_value in_namespace(napi_env env, napi_callback_info info) {
  size_t count = 2, length;
  napi_value arguments[2], receiver, result = NULL;
  napi_valuetype type;
  char netns[PATH_ROOM];
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2 ||
      napi_get_value_string_utf8(env, arguments[0], netns, sizeof netns, &length) != napi_ok ||
      length == sizeof netns - 1) {
    throw_type(env, "path");
    return NULL;
  }
  if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
    throw_type(env, "body");
    return NULL;
  }
  tun_error error;
  int home = enter_netns(netns, &error);
  if (home < 0) {
    throw_system(env, &error);
    return NULL;
  }
  napi_get_undefined(env, &receiver);
  if (napi_call_function(env, receiver, arguments[1], 0, NULL, &result) != napi_ok) result = NULL;
  leave_netns(home);
  return result;
}

#define METHOD(name, function) \
  (napi_property_descriptor) { name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL }

static bool export_class(napi_env env, napi_value exports, const char *name, napi_callback make,
                         napi_property_descriptor own) {
  napi_value constructor;
  const napi_property_descriptor methods[] = {
      METHOD("startReading", start_reading), METHOD("stopReading", stop_reading),
      METHOD("pull", pull),                  METHOD("useSlab", use_slab),
      METHOD("usePayload", use_payload),
      METHOD("flush", flush),
      METHOD("ref", ref),                    METHOD("unref", unref),
      METHOD("close", close_port),           own,
  };
  return napi_define_class(env, name, NAPI_AUTO_LENGTH, make, NULL, sizeof methods / sizeof methods[0], methods,
                           &constructor) == napi_ok &&
         napi_set_named_property(env, exports, name, constructor) == napi_ok;
}

static bool export_function(napi_env env, napi_value exports, const char *name, napi_callback call) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, NULL, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor of_device = METHOD("setOffload", set_offload);
  const napi_property_descriptor of_socket = METHOD("takeDrops", take_drops);
  if (!export_class(env, exports, "Port", construct, of_device) ||
      !export_class(env, exports, "SocketPort", construct_socket, of_socket) ||
      !export_function(env, exports, "interfaceIndex", interface_index) ||
      !export_function(env, exports, "inNamespace", in_namespace) || alarm_export(env, exports) != napi_ok ||
      memory_export(env, exports) != napi_ok)
    return NULL;
  return exports;
}
