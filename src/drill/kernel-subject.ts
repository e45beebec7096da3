// The kernel as the subject of a script: packets go over a TUN device in real time, its sockets are driven by a child.
import { PcapngWriter } from '../observe/pcapng.js';
import type { Link, LinkReceiver, PacketBatch } from '../stack/link.js';
import { IpAddress } from '../wire/address.js';
import type { Value } from './code.js';
import { STATE_NUMBERS } from './code-names.js';
import type { Setting } from './commands.js';
import type { KernelChild, Reply } from './kernel-child.js';
import { observe } from './observed.js';
import { Unsupported } from './outcome.js';
import type { Ends } from './packet-builder.js';
import type { RunSettings } from './script-options.js';
import type { CallResult, PendingCall, SocketCall } from './socket-call.js';
import { connectionSettings } from './stack-settings.js';
import type { SentPacket, Subject } from './subject.js';

/** A busy machine may keep us from our turn; then the script's time is held, so only the kernel's own lateness counts. */
const LATE_MS = 400;
/** The kernel's timers tick, and what we do a little late makes its answers look early. */
const EARLY_MS = 25;
/** A delay below which the script's time is not corrected. */
const SLIP_MS = 0.5;

/** A TUN link and a child, to be used by one script after another. */
export class KernelHost {
  private subject: KernelSubject | null = null;
  private scripts = 0;

  /**
   * @param link a TUN device whose kernel end has `local4` and `local6`, with room for 65,535 neighbours
   */
  constructor(
    readonly link: Link,
    readonly child: KernelChild,
    private readonly local4: IpAddress,
    private readonly local6: IpAddress,
  ) {
    const receiver: LinkReceiver = {
      receive: (batch) => this.receive(batch),
      writable: () => {},
      failed: (error) => this.subject?.fail(error),
    };
    link.start(receiver);
  }

  /**
   * Prepares the namespace: nothing that is remembered of one script may meet the next, no answer is held back, and the
   * controller is one that every kernel has.
   */
  async prepare(): Promise<void> {
    const settings = {
      tcp_no_metrics_save: '1',
      tcp_invalid_ratelimit: '0',
      tcp_challenge_ack_limit: '1000000',
      tcp_early_retrans: '3',
      tcp_congestion_control: 'reno',
    };
    for (const [name, to] of Object.entries(settings)) {
      await this.child.ask({ do: 'setting', setting: `net.ipv4.${name}`, to, lasting: true });
    }
  }

  /** The subject of one script; its packets come from an address of their own. */
  async begin(settings: RunSettings, pcap: string | null): Promise<KernelSubject> {
    if (settings.mtu !== 1500) throw new Unsupported('the MTU of the device is 1500 here');
    if (settings.mss !== null) throw new Unsupported('the MSS is that of the device here');
    if (settings.isn !== null)
      throw new Unsupported('the kernel chooses its initial sequence numbers itself');
    const n = ++this.scripts;
    const ends: Ends =
      settings.ends.local.family === 4
        ? {
            local: this.local4,
            remote: new IpAddress(0, 0, 0xffff, (this.local4.w3 & 0xffff_0000) | (0x100 + n) | 0),
          }
        : {
            local: this.local6,
            remote: new IpAddress(this.local6.w0, this.local6.w1, this.local6.w2, 0x10000 + n),
          };
    this.subject = new KernelSubject(this, ends, settings, pcap);
    return this.subject;
  }

  /** Called by the subject when its script is over. */
  async end(): Promise<void> {
    this.subject = null;
    await this.child.ask({ do: 'reset' });
  }

  async close(): Promise<void> {
    await this.child.close();
    await this.link.close();
  }

  private receive(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const from = batch.offsets[i]!;
      this.subject?.take(batch.bytes.slice(from, from + batch.lengths[i]!));
    }
  }
}

/** See `Subject`. */
export class KernelSubject implements Subject {
  readonly name = 'kernel';
  readonly earlyMs = EARLY_MS;
  readonly lateMs = LATE_MS;
  readonly sent: SentPacket[] = [];
  /** The latest that the script has done something, in milliseconds: the kernel's timers do not wait for it. */
  worstSlipMs = 0;
  private readonly recorder: PcapngWriter | null;
  /** Host time at script time 0. */
  private epochMs = performance.now();
  private wake: (() => void) | null = null;
  private error: Error | null = null;
  private underTest: number | null = null;
  private packets = 0;

  constructor(
    private readonly host: KernelHost,
    readonly ends: Ends,
    private readonly ports: Pick<RunSettings, 'bindPort' | 'connectPort'>,
    pcap: string | null,
  ) {
    this.recorder = pcap === null ? null : new PcapngWriter({ target: pcap, sync: true });
  }

  now(): number {
    return performance.now() - this.epochMs;
  }

  /** Takes a packet of the kernel; those to other scripts' addresses are not ours. */
  take(bytes: Uint8Array): void {
    const atMs = this.now();
    const got = observe(bytes, atMs);
    if (got !== null && got.remote !== this.ends.remote.toString()) return;
    this.record(bytes, 'out');
    this.sent.push({ atMs, bytes });
    this.wake?.();
  }

  fail(error: Error): void {
    this.error = error;
    this.wake?.();
  }

  async advanceTo(ms: number): Promise<void> {
    while (this.now() < ms) await this.sleep(ms - this.now());
    // Whatever kept us from our turn: the script's events keep their distances.
    const late = this.now() - ms;
    if (late > SLIP_MS) this.epochMs += late;
    this.worstSlipMs = Math.max(this.worstSlipMs, late);
  }

  async awaitPacket(ms: number): Promise<void> {
    while (this.sent.length === 0 && this.now() < ms) await this.sleep(ms - this.now());
  }

  async awaitCall(pending: PendingCall, ms: number): Promise<void> {
    while (pending.settled === null && this.now() < ms) await this.sleep(ms - this.now());
  }

  deliver(bytes: Uint8Array): void {
    this.record(bytes, 'in');
    const { link } = this.host;
    link.send(link.packetIds.next(), bytes, 0, bytes.length, null);
    link.flush();
  }

  call(call: SocketCall): PendingCall {
    const pending: PendingCall = { call, settled: null };
    const { local, remote } = this.ends;
    const full = {
      ...call,
      ...this.portOf(call),
      local: String(local),
      remote: String(remote),
      host6: local.family === 6,
    };
    this.host.child.ask({ call: full }).then(
      (reply) => this.returned(pending, reply),
      (error: Error) => this.fail(error),
    );
    return pending;
  }

  private portOf(call: SocketCall): { port?: number } {
    if (call.name === 'bind') return { port: call.port ?? this.ports.bindPort };
    if (call.name === 'connect') return { port: call.port ?? this.ports.connectPort };
    if (opensConnection(call)) return { port: this.ports.connectPort };
    return {};
  }

  private returned(pending: PendingCall, reply: Reply): void {
    const result = { errno: null, ...reply } as unknown as CallResult;
    pending.settled = { result, atMs: this.now() };
    const { call } = pending;
    if (call.name === 'accept' && result.value >= 0) this.underTest = call.newFd;
    if (call.name === 'connect' || opensConnection(call)) this.underTest = call.fd;
    this.wake?.();
  }

  async configure({ name, value }: Setting): Promise<void> {
    if (!name.startsWith('net.ipv4.')) {
      const changes = name.startsWith('synwave.')
        ? 1
        : Object.keys(connectionSettings({ name, value })).length;
      if (changes > 0) throw new Unsupported(`the setting ${name}=${value} is none of the kernel's`);
      return;
    }
    const reply = await this.host.child.ask({ do: 'setting', setting: name, to: value, lasting: false });
    if (reply.refused !== undefined)
      throw new Unsupported(`the kernel does not take ${name}=${value}: ${reply.refused}`);
  }

  async tcpInfo(): Promise<ReadonlyMap<string, Value> | null> {
    if (this.underTest === null) return null;
    const { info } = await this.host.child.ask({ do: 'info', fd: this.underTest });
    if (info === null) throw new Unsupported('the kernel tells nothing of a socket that is closed');
    return new Map(
      Object.entries(info as Record<string, number>).map(([name, value]) => [`tcpi_${name}`, value]),
    );
  }

  async count(state: string): Promise<number> {
    const number = STATE_NUMBERS[state];
    if (number === undefined) throw new Unsupported(`the kernel has no state ${state}`);
    const reply = await this.host.child.ask({
      do: 'count',
      state: number,
      remote: procAddress(this.ends.remote),
    });
    return Number(reply.count);
  }

  ladder(): readonly string[] {
    return [];
  }

  async close(): Promise<void> {
    await this.host.end();
    await this.recorder?.close();
  }

  /** Sleeps until something happens, or for so long. */
  private async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      const self = this;
      function done(): void {
        clearTimeout(timer);
        self.wake = null;
        resolve();
      }
      this.wake = done;
    });
    if (this.error !== null) throw this.error;
  }

  private record(bytes: Uint8Array, direction: 'in' | 'out'): void {
    if (this.recorder === null) return;
    const { length } = bytes;
    this.recorder.packet({
      timeNs: BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)),
      direction,
      packetId: ++this.packets,
      bytes,
      offset: 0,
      length,
      originalLength: length,
      comments: [],
    });
  }
}

/** `sendto` with data for the SYN. */
function opensConnection(call: SocketCall): call is SocketCall & { name: 'write' } {
  return call.name === 'write' && call.flags.includes('MSG_FASTOPEN');
}

/** An address as /proc/net/tcp writes it: words of the host's byte order. */
function procAddress(address: IpAddress): string {
  const words = address.family === 4 ? [address.w3] : [address.w0, address.w1, address.w2, address.w3];
  const view = new DataView(new ArrayBuffer(4));
  return words
    .map((word) => {
      view.setInt32(0, word);
      return view.getUint32(0, true).toString(16).toUpperCase().padStart(8, '0');
    })
    .join('');
}
