// What the C addon looks like from TypeScript, and the numbers both sides share. Nothing here runs anything.

/** Kind of device and framing, from <linux/if_tun.h>; `flags` of a port is a sum of these. */
export const IFF_TUN = 0x0001;
export const IFF_TAP = 0x0002;
export const IFF_MULTI_QUEUE = 0x0100;
/** The port holds the device and takes no part in its traffic. */
export const IFF_DETACH_QUEUE = 0x0400;
export const IFF_NO_PI = 0x1000;

/** Events of a port, the first argument of `onEvent`. The second is a packet count, 0, or an errno. */
export const EVENT_PACKETS = 0;
export const EVENT_WRITABLE = 1;
export const EVENT_FAILED = 2;

/** Words of the control array: who writes each is told in packet_port.h. */
export const CONTROL_QUEUED = 0;
export const CONTROL_DROPPED = 1;
export const CONTROL_BYTES = 2;
export const CONTROL_ERROR = 3;
export const CONTROL_WRITTEN = 4;
export const CONTROL_BEGIN = 5;
export const CONTROL_JOIN = 6;
export const CONTROL_LONG = 7;
export const CONTROL_NUMBER = 8;
export const CONTROL_DONE = 9;
export const CONTROL_THREAD = 10;
export const CONTROL_WORDS = 11;

/** Which received segments are given as one packet, as in packet_io.h: none, up to the length that IP can tell, any. */
export const JOIN_NOTHING = 0;
export const JOIN_WITHIN_IP = 1;
export const JOIN_BEYOND_IP = 2;

/** Packets in a slab start at multiples of it, as in packet_io.h. */
export const PACKET_ALIGNMENT = 64;

/** Free bytes that every read needs in the slab, as in packet_io.h: the largest packet with a virtio-net header. */
export const PACKET_ROOM = 65_664;

/** Octets of the virtio-net header before each packet where a port has offload, as in packet_io.h. */
export const VNET_HEADER_BYTES = 16;

/** Payload pieces of one packet that the addon gathers, as in packet_io.h. */
export const MAX_PIECES = 64;

/** Stretches of memory for payload that lasts, as in write_thread.h. */
export const MAX_STRETCHES = 32;

/** Memory and a function that stay shared with the addon until the port is closed. */
export interface PortMemory {
  /** Memory for received packets, at least `PACKET_ROOM` bytes. */
  readonly slab: Uint8Array;
  /** Offsets of the packets of a batch in its first third, lengths in its second, `PacketHint`s in its last. */
  readonly table: Int32Array;
  /** Headers of packets to write, each behind a virtio-net header when the port has offload. */
  readonly arena: Uint8Array;
  /** Per packet: header offset, header length, number of pieces; per piece: buffer number, offset, length. */
  readonly descriptors: Int32Array;
  /** `CONTROL_WORDS` words. */
  readonly control: Int32Array;
  readonly onEvent: (event: number, value: number) => void;
}

/** Argument of `new Port`. */
export interface NativePortOptions extends PortMemory {
  /** Interface name of at most 15 bytes; empty lets the kernel choose, `%d` in it stands for the first free number. */
  readonly name: string;
  /** Path of a network namespace file to make the device in; absent: the caller's own. */
  readonly netns?: string;
  /** A sum of `IFF_` constants. */
  readonly flags: number;
  /** Asks for virtio-net headers, checksums and segmentation both ways. */
  readonly offload: boolean;
  /**
   * Does by itself what is asked of a device, where the device has no offload: every packet to write has a virtio-net header
   * before it all the same.
   */
  readonly software: boolean;
  /** Bytes; 0 leaves the kernel's choice, and so does a device that exists already. */
  readonly mtu: number;
  /** Bytes of written packets that may wait inside the kernel (TUNSETSNDBUF); 0 leaves it unlimited. */
  readonly sendBufferBytes: number;
  /** Switches IPv6 off on a device that this call makes, before it can send a router solicitation. */
  readonly disableIpv6: boolean;
  /** How long the port looks for more packets after a batch before it sleeps, in microseconds; 0: not at all. */
  readonly spinUs: number;
}

/** Argument of `new SocketPort`. */
export interface SocketPortOptions extends PortMemory {
  /** Name of the interface, at most 15 bytes. */
  readonly name: string;
  /** Path of the network namespace file that the interface lives in; absent: the caller's own. */
  readonly netns?: string;
  /** A program of classic BPF that the kernel runs on every frame: code, jt, jf and k of each instruction. */
  readonly filter: Uint32Array;
  /** Has the interface take in frames to every address; else to its own and to all groups. */
  readonly promiscuous: boolean;
  /** Does by itself what the virtio-net headers of packets to write ask of the interface. */
  readonly software: boolean;
  /** Bytes of memory for frames that wait to be read, and to be sent; the kernel's own bookkeeping counts. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** As for a device. */
  readonly spinUs: number;
}

/** A packet descriptor on the event loop. */
export interface PacketPort {
  readonly index: number;
  /** Whether `software` took effect. Absent from an addon that was compiled earlier. */
  readonly software?: boolean;
  startReading(): void;
  stopReading(): void;
  /** Has packets read into other memory from now on, of at least `PACKET_ROOM` bytes. */
  useSlab(slab: Uint8Array): void;
  /**
   * Payload in `payload`, too, lasts until its packet is written, which `control[CONTROL_DONE]` tells: a thread may read it meanwhile. False
   * when none ever will. Throws when there are `MAX_STRETCHES` already. Absent from an addon that was compiled earlier.
   */
  usePayload?(payload: Uint8Array): boolean;
  /** Reads what there is at once; the number of packets. An errno, if any, is in `control[CONTROL_ERROR]`. */
  pull(): number;
  /**
   * Writes `packets` packets. Returns how many are done with; how it went is in `control`. When the errno there is
   * EAGAIN the rest must be kept, and `EVENT_WRITABLE` follows.
   */
  flush(packets: number, buffers: readonly Uint8Array[]): number;
  ref(): void;
  unref(): void;
  /** Idempotent. No event follows. */
  close(): void;
}

/** A TUN or TAP device. */
export interface NativePort extends PacketPort {
  readonly name: string;
  readonly mtu: number;
  /** The device existed before and survives the port. */
  readonly persistent: boolean;
  /** Whether `disableIpv6` took effect. */
  readonly ipv6Disabled: boolean;
  /** Every packet has a virtio-net header of `VNET_HEADER_BYTES` before it, and the offloads are on. */
  readonly offload: boolean;
  /** Whether the kernel may leave checksums and segmentation to this side; headers stay. False when it refuses. */
  setOffload(on: boolean): boolean;
}

/** A packet socket (AF_PACKET) on an interface. Every packet has a virtio-net header before it. */
export interface SocketPort extends PacketPort {
  /** What `receiveBufferBytes` came to. */
  readonly receiveBufferBytes: number;
  /** Frames that found no room, or that the kernel could not describe, since it was asked last. */
  takeDrops(): number;
}

/** A timer finer than Node's. It keeps the process alive only after `ref`. */
export interface NativeAlarm {
  /** Calls back once after so many milliseconds, with a fraction; what was set before is forgotten. At most a day. */
  set(delayMs: number): void;
  /** Forgets what was set. */
  cancel(): void;
  ref(): void;
  unref(): void;
  /** Idempotent. No call follows. */
  close(): void;
}

/** The addon. Its functions throw Errors with `code`, `errno`, `syscall` and sometimes `path`. */
export interface TunBinding {
  readonly Port: new (options: NativePortOptions) => NativePort;
  /** Absent from an addon that was compiled earlier. */
  readonly SocketPort?: new (
    options: SocketPortOptions,
  ) => SocketPort;
  /** Has the C library keep some freed memory for what comes next. Absent from an addon that was compiled earlier. */
  readonly keepFreedMemory?: () => void;
  /**
   * Tells V8 of so many bytes more, or fewer, that hang on its objects. Returns how many it counts in all. Absent from an addon
   * that was compiled earlier, or without that answer.
   */
  readonly adjustExternalMemory?: (bytes: number) => number | undefined;
  readonly Alarm: new (onRing: () => void) => NativeAlarm;
  /** Index of an interface, 0 when there is none of that name. */
  interfaceIndex(options: { readonly name: string; readonly netns?: string }): number;
  /** Runs `body` with this thread in the network namespace of that path; sockets that it makes stay there. */
  inNamespace<T>(path: string, body: () => T): T;
}
