// A packet descriptor on Node's event loop: delivers batches to a JavaScript callback, writes what JavaScript queued.
// Which device the descriptor belongs to is decided elsewhere.
#ifndef SYNWAVE_PACKET_PORT_H
#define SYNWAVE_PACKET_PORT_H

#include <node_api.h>
#include <stdbool.h>
#include <uv.h>

#include "packet_io.h"
#include "receive_thread.h"
#include "write_thread.h"

// Events, the first argument of the callback; the second is their value.
enum {
  EVENT_PACKETS = 0,   // number of packets in the slab
  EVENT_WRITABLE = 1,  // 0; flush again
  EVENT_FAILED = 2,    // errno; nothing follows
};

// Words of the control array, shared with JavaScript.
enum {
  CONTROL_QUEUED = 0,   // JavaScript: packets that wait for a flush; while there are any, the port does not spin
  CONTROL_DROPPED = 1,  // port: packets dropped by the last flush
  CONTROL_BYTES = 2,    // port: bytes written by the last flush
  CONTROL_ERROR = 3,    // port: errno that ended the last flush or pull, or 0
  CONTROL_WRITTEN = 4,  // port: packets that the kernel took in the last flush
  CONTROL_BEGIN = 5,    // JavaScript: where in the slab the next batch begins, a multiple of PACKET_ALIGNMENT
  CONTROL_JOIN = 6,     // JavaScript: JOIN_*
  CONTROL_LONG = 7,     // JavaScript: not 0 when packets may leave that are longer than IP can tell; port: 0 once the kernel refuses
  CONTROL_NUMBER = 8,   // JavaScript: number of the first packet of the next flush
  CONTROL_DONE = 9,     // port: number behind the last packet up to which all are written or given up
  CONTROL_THREAD = 10,  // port: not 0 while a thread writes payload that lasts
  CONTROL_WORDS = 11,
};

// Memory shared with JavaScript, in the order of `port_memory` below.
enum { MEMORY_SLAB, MEMORY_TABLE, MEMORY_ARENA, MEMORY_DESCRIPTORS, MEMORY_CONTROL, MEMORY_COUNT };

// One typed array and the ArrayBuffer under it, which is held so that the pointer stays good.
typedef struct {
  napi_ref buffer;
  void *data;
  size_t length;  // elements
} shared_array;

// What a port is opened for.
typedef struct {
  int fd;
  size_t vnet_bytes;  // of the virtio-net header before each packet, 0 for none
  size_t link_bytes;  // of the header of Ethernet, 0 for none
  bool is_socket;     // of a packet socket, not of a device
  bool is_software;   // each packet to write has a virtio-net header, and the port does what it asks for
  bool is_alone;      // no other descriptor is of the same device: a thread may write to it
  receive_thread *thread;  // that takes in what is written, or NULL; the port's from port_open() on
} descriptor_use;

typedef struct {
  uv_poll_t poll;
  uv_prepare_t before_sleep;  // runs while the port is to look for packets once more before the loop sleeps
  napi_env env;
  napi_async_cleanup_hook_handle hook;
  napi_async_context async;
  napi_ref self;  // strong while the port is open
  napi_ref callback;
  shared_array memory[MEMORY_COUNT];
  uint64_t spin_ns;
  uint64_t last_ns;    // when packets came last
  uint64_t missed_ns;  // when it looked for packets for so long in vain
  int spins_to_skip;
  descriptor_use use;
  write_thread *writer;  // NULL until there is payload that lasts
  napi_ref payload[MAX_STRETCHES];  // memory of that
  int stretches;
  int refused;  // frames that a packet socket could not give out, not yet told
  int owners;  // the JavaScript object and the uv handles; the last one frees
  int open_handles;
  uint8_t streak;  // see read_area
  bool reading;
  bool draining;  // a write met EAGAIN: wait for room
  bool closed;
} packet_port;

// Takes over the descriptor, which must be non-blocking, and watches nothing yet. On failure the port is freed, the
// descriptor stays open. Returns 0 or a negative uv error.
int port_open(napi_env env, const descriptor_use *use, uint64_t spin_ns, packet_port **port);

// Binds the port to its JavaScript side. Called once, right after port_open.
napi_status port_bind(packet_port *port, napi_value self, napi_value callback);

// Delivery on and off.
void port_set_reading(packet_port *port, bool reading);

// Has batches read into other memory from now on: `slab` is of at least PACKET_ROOM bytes.
napi_status port_use_slab(packet_port *port, napi_value slab);

// Payload that lies in it, too, lasts until its packet is written, of which CONTROL_DONE tells: a thread may write that. `*used` is false
// when none ever will.
napi_status port_use_payload(packet_port *port, napi_value payload, bool *used);

// Reads what is there right now. Returns the number of packets; CONTROL_ERROR tells what ended it.
int port_pull(packet_port *port);

// Writes `packets` packets whose payload lies in `buffers` (an array of Uint8Array). Returns how many are done with.
int port_flush(packet_port *port, int packets, napi_value buffers);

// Frames that a packet socket has lost since this was asked last.
int port_take_drops(packet_port *port);

// Closes the descriptor at once. Idempotent, allowed inside callbacks and at teardown of the environment.
void port_close(packet_port *port);

// One owner lets go.
void port_release(packet_port *port);

#endif
