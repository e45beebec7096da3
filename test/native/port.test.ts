// The addon's port by itself: kinds of device that the TUN link does not use, foreign memory, and misuse.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import {
  CONTROL_DROPPED,
  CONTROL_ERROR,
  CONTROL_WORDS,
  EVENT_FAILED,
  EVENT_PACKETS,
  IFF_MULTI_QUEUE,
  IFF_NO_PI,
  IFF_TAP,
  IFF_TUN,
  JOIN_BEYOND_IP,
  JOIN_NOTHING,
  JOIN_WITHIN_IP,
  MAX_PIECES,
  MAX_STRETCHES,
  type NativePort,
  type NativePortOptions,
  PACKET_ALIGNMENT,
  PACKET_ROOM,
  VNET_HEADER_BYTES,
} from '../../src/native/binding.js';
import { loadBinding, packageRoot } from '../../src/native/load.js';
import { PacketHint } from '../../src/stack/link.js';
import { echoRequest, pattern, STACK } from './packets.js';
import { TestNamespace, until, whyNoDevices } from './test-namespace.js';

const skip = whyNoDevices();
const CONTROL = 'QUEUED DROPPED BYTES ERROR WRITTEN BEGIN JOIN LONG NUMBER DONE THREAD WORDS'.split(' ');

it('the numbers of binding.ts are those of the C headers', () => {
  const text = ['packet_io.h', 'packet_port.h', 'write_thread.h']
    .map((name) => readFileSync(`${packageRoot()}/src/native/${name}`, 'utf8'))
    .join('');
  const number = (name: string) => Number(new RegExp(`\\b${name}(?: =)? (\\w+)`).exec(text)?.[1]);
  assert.equal(number('PACKET_ROOM'), PACKET_ROOM);
  assert.equal(number('PACKET_ALIGNMENT'), PACKET_ALIGNMENT);
  assert.equal(number('VNET_HEADER_BYTES'), VNET_HEADER_BYTES);
  assert.equal(number('HINT_SEGMENT_BYTES'), PacketHint.SEGMENT_BYTES);
  assert.equal(number('HINT_VERIFIED'), PacketHint.VERIFIED);
  assert.equal(number('HINT_UNFINISHED'), PacketHint.UNFINISHED);
  assert.equal(number('HINT_LONG'), PacketHint.LONG);
  assert.equal(number('HINT_EXTRA_SHIFT'), PacketHint.EXTRA_SHIFT);
  assert.equal(number('HINT_MOST_EXTRA'), PacketHint.EXTRA_SEGMENTS);
  assert.deepEqual(
    [number('JOIN_NOTHING'), number('JOIN_WITHIN_IP'), number('JOIN_BEYOND_IP')],
    [JOIN_NOTHING, JOIN_WITHIN_IP, JOIN_BEYOND_IP],
  );
  assert.equal(CONTROL_WORDS, CONTROL.length - 1);
  assert.equal(number('MAX_PIECES'), MAX_PIECES);
  assert.equal(number('MAX_STRETCHES'), MAX_STRETCHES);
  assert.deepEqual([number('EVENT_PACKETS'), number('EVENT_WRITABLE'), number('EVENT_FAILED')], [0, 1, 2]);
  assert.deepEqual(
    CONTROL.map((name) => number(`CONTROL_${name}`)),
    CONTROL.map((_, i) => i),
  );
});

describe('Port', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  const ports: NativePort[] = [];
  after(() => {
    for (const port of ports) port.close();
    namespace?.remove();
  });

  interface Opened {
    readonly port: NativePort;
    readonly memory: NativePortOptions;
    readonly events: [event: number, value: number][];
    readonly packets: Uint8Array[];
  }

  function open(name: string, flags: number, change: Partial<NativePortOptions> = {}): Opened {
    const events: [number, number][] = [];
    const packets: Uint8Array[] = [];
    const memory: NativePortOptions = {
      name,
      netns: namespace.path,
      flags,
      mtu: 0,
      sendBufferBytes: 0,
      disableIpv6: true,
      offload: false,
      software: false,
      spinUs: 0,
      slab: new Uint8Array(4 * PACKET_ROOM),
      table: new Int32Array(96),
      arena: new Uint8Array(4096),
      descriptors: new Int32Array(64),
      control: new Int32Array(CONTROL_WORDS),
      onEvent(event, value) {
        events.push([event, value]);
        if (event !== EVENT_PACKETS) return;
        for (let i = 0; i < value; i++) {
          const at = memory.table[i]!;
          packets.push(memory.slab.slice(at, at + memory.table[memory.table.length / 3 + i]!));
        }
      },
      ...change,
    };
    const port = new (loadBinding().Port)(memory);
    ports.push(port);
    return { port, memory, events, packets };
  }

  function bringUp(name: string, address: string) {
    namespace.ip('address', 'add', address, 'dev', name);
    namespace.ip('link', 'set', 'dev', name, 'up');
  }

  it('TAP: delivers Ethernet frames', async () => {
    const { port, packets } = open('tap0', IFF_TAP | IFF_NO_PI);
    bringUp('tap0', '10.7.0.1/24');
    port.startReading();
    await namespace.execute('ping', '-n', '-c', '1', '-W', '0.1', '10.7.0.2');
    await until('an ARP request', () => packets.some((frame) => frame[12] === 8 && frame[13] === 6));
    assert.ok(packets.every((frame) => frame.length >= 14));
    port.close();
  });

  it('with offload a virtio-net header precedes each packet in the slab, and its news are told', async () => {
    const { port, packets, memory } = open('vnet0', IFF_TUN | IFF_NO_PI, { offload: true });
    assert.equal(port.offload, true);
    bringUp('vnet0', '10.9.0.1/24');
    port.startReading();
    await namespace.execute('ping', '-n', '-c', '1', '-W', '0.1', STACK);
    await until('the echo request', () => packets.length > 0);
    assert.equal(packets[0]![0], 0x45);
    assert.equal(memory.table[0]! % 64, VNET_HEADER_BYTES);
    assert.equal(memory.table[64], 0, 'a complete packet');
    assert.equal(port.setOffload(false), true);
    assert.equal(port.setOffload(true), true);
    port.close();
    assert.equal(port.setOffload(true), false);
  });

  it('two ports share a multi-queue device', async () => {
    const first = open('many0', IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE);
    const second = open('many0', IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE);
    assert.equal(first.port.index, second.port.index);
    bringUp('many0', '10.9.0.1/24');
    first.port.startReading();
    second.port.startReading();
    await namespace.execute('ping', '-n', '-c', '4', '-i', '0.01', '-W', '0.1', STACK);
    await until('four requests', () => first.packets.length + second.packets.length === 4);
    first.port.close();
    assert.ok(namespace.has('many0'));
    second.port.close();
    await until('the device to vanish', () => !namespace.has('many0'));
  });

  /** Describes one packet without payload at the start of the arena. */
  function queueEcho({ memory }: Opened) {
    const packet = echoRequest(1, 1, pattern(32, 1));
    memory.arena.set(packet);
    memory.descriptors.set([0, packet.length, 0]);
    return packet;
  }

  it('reads into the memory of a WebAssembly instance', async () => {
    // TypeScript knows this global only together with the browser's.
    const { WebAssembly } = globalThis as unknown as {
      WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };
    };
    const wasm = new WebAssembly.Memory({ initial: 2 });
    const opened = open('wasm0', IFF_TUN | IFF_NO_PI, { slab: new Uint8Array(wasm.buffer, 64) });
    bringUp('wasm0', '10.9.0.1/24');
    opened.port.startReading();
    const packet = queueEcho(opened);
    assert.equal(opened.port.flush(1, []), 1);
    await until('the reply', () => opened.packets.length === 1);
    assert.deepEqual(opened.packets[0]!.subarray(28), packet.subarray(28));
    opened.port.close();
  });

  it('looks for packets once more after the immediates that a batch led to, and may be closed then', async () => {
    const order: string[] = [];
    const { port1, port2 } = new MessageChannel();
    port2.on('message', () => order.push('message'));
    const onEvent = (event: number) => {
      if (event !== EVENT_PACKETS) return;
      order.push('packet');
      if (order.length > 1) {
        opened.port.close();
        return;
      }
      setImmediate(() => {
        // What other descriptors have comes when the loop sleeps.
        port1.postMessage(null);
        opened.port.flush(1, []);
      });
    };
    const opened = open('again0', IFF_TUN | IFF_NO_PI, { spinUs: 1_000_000, onEvent });
    bringUp('again0', '10.9.0.1/24');
    queueEcho(opened);
    opened.port.flush(1, []);
    opened.port.startReading();
    try {
      await until('all three', () => order.length === 3);
    } finally {
      port2.close();
    }
    assert.deepEqual(order, ['packet', 'packet', 'message']);
  });

  it('gathers payload out of shared memory', async () => {
    const opened = open('share0', IFF_TUN | IFF_NO_PI);
    bringUp('share0', '10.9.0.1/24');
    const packet = echoRequest(1, 1, pattern(600, 4));
    opened.memory.arena.set(packet.subarray(0, 28));
    const shared = new Uint8Array(new SharedArrayBuffer(1000), 100);
    shared.set(packet.subarray(28), 50);
    opened.memory.descriptors.set([0, 28, 1, 0, 50, 600]);
    assert.equal(opened.port.flush(1, [shared]), 1);
    assert.equal(opened.memory.control[CONTROL_DROPPED], 0);
    assert.equal(opened.port.pull(), 1);
    const [at, length] = [opened.memory.table[0]!, opened.memory.table[32]!];
    assert.deepEqual(opened.memory.slab.slice(at + 28, at + length), pattern(600, 4));
    opened.port.close();
  });

  it('a slab transferred away ends the port, not the process', async () => {
    const opened = open('slab0', IFF_TUN | IFF_NO_PI);
    bringUp('slab0', '10.9.0.1/24');
    queueEcho(opened);
    opened.port.flush(1, []);
    structuredClone(opened.memory.slab.buffer, { transfer: [opened.memory.slab.buffer as ArrayBuffer] });
    opened.port.startReading();
    await until('the failure', () => opened.events.length > 0);
    assert.equal(opened.events.length, 1);
    assert.equal(opened.events[0]![0], EVENT_FAILED);
    assert.equal(opened.port.pull(), 0);
    assert.notEqual(opened.memory.control[CONTROL_ERROR], 0);
    opened.port.close();
  });

  it('an arena transferred away: flush throws ERR_INVALID_STATE', () => {
    const opened = open('arena0', IFF_TUN | IFF_NO_PI);
    structuredClone(opened.memory.arena.buffer, { transfer: [opened.memory.arena.buffer as ArrayBuffer] });
    assert.throws(() => opened.port.flush(1, []), { code: 'ERR_INVALID_STATE' });
    opened.port.close();
  });

  it('descriptors that point outside their memory are counted as dropped, never followed', () => {
    const opened = open('wild0', IFF_TUN | IFF_NO_PI);
    bringUp('wild0', '10.9.0.1/24');
    const buffer = new Uint8Array(100);
    const wild: number[][] = [
      [-1, 20, 0],
      [0, -20, 0],
      [4000, 97, 0],
      [0x7fffffff, 0x7fffffff, 0],
      [0, 28, 1, 0, 90, 11],
      [0, 28, 1, 0, -1, 1],
      [0, 28, 1, 5, 0, 1],
      [0, 28, 1, -1, 0, 1],
      [0, 28, 17],
      [0, 28, -1],
    ];
    for (const descriptor of wild) {
      opened.memory.descriptors.fill(0).set(descriptor);
      assert.equal(opened.port.flush(1, [buffer]), 1, String(descriptor));
      assert.equal(opened.memory.control[CONTROL_DROPPED], 1, String(descriptor));
    }
    opened.memory.descriptors.fill(0);
    assert.equal(opened.port.flush(1_000_000, []), 1_000_000, 'more packets than descriptors');
    assert.equal(opened.memory.control[CONTROL_DROPPED], 1_000_000);
    assert.equal(opened.port.flush(0, []), 0);
    assert.throws(() => opened.port.flush(-1, []), TypeError);
    opened.port.close();
    assert.equal(opened.port.flush(1, []), 0, 'closed');
  });
});
