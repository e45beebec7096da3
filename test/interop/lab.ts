// A place to meet the kernel's TCP: a namespace per test file, stacks on TUN devices in it, and programs on the
// kernel's side. Everything made here is removed when the test ends, however it ends.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { constants as osConstants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createStack, type SynwaveStack } from '../../src/index.js';
import { impair } from '../../src/link/impair.js';
import type { ImpairOptions } from '../../src/link/impair-options.js';
import { tunLink } from '../../src/link/tun.js';
import type { Net } from '../../src/net/net.js';
import { SystemClock } from '../../src/stack/clock.js';
import type { Link } from '../../src/stack/link.js';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { STATE_NAMES } from '../../src/tcp/state.js';

/** The kernel's addresses on the link. */
export const KERNEL = '10.9.0.1';
export const KERNEL_V6 = 'fd00:9::1';
/** The stack's addresses. */
export const STACK = '10.9.0.2';
export const STACK_V6 = 'fd00:9::2';

/** True for the full sizes (1 GB); the default keeps a run within minutes. */
export const FULL = process.env.SYNWAVE_FULL === '1';

/** Longest life of a program on the kernel's side, in milliseconds: a deadline for hangs, not a measurement. */
export const PROGRAM_DEADLINE_MS = FULL ? 600_000 : 90_000;
/** Longest wait for a condition. */
const CONDITION_DEADLINE_MS = 20_000;
const CONDITION_POLL_MS = 20;

/**
 * Why the machine cannot run these tests, or false: fit for the option `skip` of a test.
 * @param tools programs that the test needs beside ip and nsenter
 */
export function obstacle(...tools: readonly string[]): string | false {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/net/tun is missing or closed to this user';
  }
  const name = `synwave-probe-${process.pid}`;
  const probe = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (probe.status !== 0) return `no network namespaces: ${(probe.stderr ?? '').trim() || 'ip not found'}`;
  spawnSync('ip', ['netns', 'del', name]);
  for (const tool of ['nsenter', ...tools]) {
    if (spawnSync('sh', ['-c', 'command -v "$0"', tool]).status !== 0) return `${tool} not found`;
  }
  return false;
}

/** Waits until `condition` holds. @throws Error naming `what` after 20 s */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + CONDITION_DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, CONDITION_POLL_MS));
  }
}

/** How a program ended. */
export interface ProgramResult {
  /** Exit status, or 128 + signal as a shell reports it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of stdout, and their SHA-256. */
  readonly bytes: number;
  readonly sum: string;
}

/** A program on the kernel's side. */
export interface Program {
  readonly child: ChildProcess;
  /** What it has printed so far. `stdout` is kept up to 1 MB. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<ProgramResult>;
}

/** The JSON lines that a program has printed so far. */
export function linesOf<T>(program: Program): T[] {
  const lines = program.stdout().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as T);
}

/** A capture that drops packets would look like a lossy link to the judge. */
const CAPTURE_BUFFER_BYTES = 512 * 1024 * 1024;
const KEPT_OUTPUT = 1024 * 1024;

/** A namespace with everything that a test does in it. */
export class Lab {
  readonly netns: string;
  /** A folder for captures and other files. */
  readonly folder: string;
  private readonly stacks: TestStack[] = [];
  private readonly programs: ChildProcess[] = [];
  private readonly daemons: { program: Program; signal: NodeJS.Signals }[] = [];
  private static count = 0;

  private constructor() {
    this.netns = `synwave-test-${process.pid}-${++Lab.count}`;
    this.folder = mkdtempSync(join(tmpdir(), 'synwave-test-'));
    this.must('ip', 'netns', 'add', this.netns);
    this.must('ip', '-n', this.netns, 'link', 'set', 'lo', 'up');
    this.stopTailLossProbes();
  }

  /** Makes one that ends with the test. */
  static open(t: TestContext): Lab {
    const lab = new Lab();
    t.after(() => lab.close());
    return lab;
  }

  /** Path of a file in the lab's folder. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a stack on a TUN device of its own. */
  async stack(options: TestStackOptions = {}): Promise<TestStack> {
    const stack = await TestStack.open(this, this.stacks.length, options);
    this.stacks.push(stack);
    return stack;
  }

  /** Starts a program on the kernel's side. Without `input` its stdin is empty. */
  start(argv: readonly string[], input: Readable | string | null = null): Program {
    return this.launch('nsenter', [`--net=/run/netns/${this.netns}`, '--', ...argv], input);
  }

  /**
   * Starts a server on the kernel's side that has processes of its own. When the lab closes it is asked by `signal` to end,
   * and waited for, so that it can end them.
   */
  daemon(argv: readonly string[], signal: NodeJS.Signals): Program {
    const program = this.start(argv);
    this.daemons.push({ program, signal });
    return program;
  }

  /** Starts a program outside of the namespace; it, too, is ended with the lab. */
  startOutside(argv: readonly string[], input: Readable | string | null = null): Program {
    return this.launch(argv[0]!, argv.slice(1), input);
  }

  /** Runs a program on the kernel's side to its end. */
  run(argv: readonly string[], input: Readable | string | null = null): Promise<ProgramResult> {
    return this.start(argv, input).ended;
  }

  /** Starts `kernel-peer.ts`: a client, server or echo server of `node:net`. */
  peer(...argv: readonly string[]): Program {
    return this.start([
      process.execPath,
      fileURLToPath(new URL('./kernel-peer.js', import.meta.url)),
      ...argv,
    ]);
  }

  /**
   * With SACK the kernel sends a tail loss probe as soon as this process pauses for some ten milliseconds, which the judge
   * would have to take for a loss. What is answered to repeated segments has tests of its own.
   */
  stopTailLossProbes(netns = this.netns): void {
    this.knob('net.ipv4.tcp_early_retrans', '0', netns);
  }

  /** Sets a knob of the kernel in the namespace; false when this kernel has none of that name. */
  knob(name: string, value: string, netns = this.netns): boolean {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    const argv = [`--net=/run/netns/${netns}`, '--', 'sh', '-c', 'echo "$1" >"$0"', path, value];
    return spawnSync('nsenter', argv).status === 0;
  }

  /** Removes everything. */
  async close(): Promise<void> {
    for (const { program, signal } of this.daemons) {
      program.child.kill(signal);
      await program.ended;
    }
    for (const child of this.programs)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    for (const stack of this.stacks) await stack.close();
    spawnSync('ip', ['netns', 'del', this.netns]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private launch(command: string, argv: readonly string[], input: Readable | string | null): Program {
    const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.programs.push(child);
    // A program that ends without reading its input is judged by its status, not by EPIPE here.
    child.stdin.on('error', () => {});
    if (input === null || typeof input === 'string') child.stdin.end(input ?? '');
    else input.pipe(child.stdin);
    const timer = setTimeout(() => child.kill('SIGKILL'), PROGRAM_DEADLINE_MS);
    const hash = createHash('sha256');
    const kept = { stdout: '', stderr: '', bytes: 0 };
    child.stdout.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      kept.bytes += chunk.length;
      if (kept.stdout.length < KEPT_OUTPUT) kept.stdout += chunk.toString('latin1');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (kept.stderr.length < KEPT_OUTPUT) kept.stderr += chunk.toString();
    });
    const ended = new Promise<ProgramResult>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        const status = code ?? 128 + osConstants.signals[signal!];
        resolve({ ...kept, status, sum: hash.digest('hex') });
      });
    });
    return { child, stdout: () => kept.stdout, stderr: () => kept.stderr, ended };
  }

  private must(...argv: readonly string[]): void {
    const result = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  }
}

/** Whether the TUN devices of tests have offload: SYNWAVE_TEST_OFFLOAD=off or software. */
export const OFFLOAD = offloadOf(process.env.SYNWAVE_TEST_OFFLOAD);

function offloadOf(text: string | undefined): boolean | 'software' {
  return text === 'software' ? text : text !== 'off';
}

/** Packets in which so many bytes come at least, over such a device; where the addon cuts segments it also joins them. */
export function fewestPackets(bytes: number, segmentBytes = 1460): number {
  return bytes / (OFFLOAD === false ? segmentBytes : 65_535);
}

/** Settings of a test's stack. */
export interface TestStackOptions {
  /** Makes the link worse. */
  readonly impair?: Omit<ImpairOptions, 'clock'>;
  /** Name of a capture in the lab's folder. Default: none. */
  readonly capture?: string;
  readonly config?: Partial<ConnectionConfig>;
  readonly mtu?: number;
  /** Whether the TUN device has offload. Default `OFFLOAD`. */
  readonly offload?: boolean | 'software';
  /** Another link than a TUN device, and the stack's addresses on it. */
  readonly over?: () => Promise<StackLink>;
}

/** A link for a stack, open. */
export interface StackLink {
  readonly link: Link;
  readonly addresses: readonly string[];
}

async function openTun(lab: Lab, index: number, options: TestStackOptions): Promise<StackLink> {
  const octet = 9 + index;
  const kernel = [`10.${octet}.0.1`, `fd00:${octet}::1`] as const;
  const link = await tunLink({
    name: `lab${index}`,
    netns: lab.netns,
    hostAddress: [`${kernel[0]}/24`, `${kernel[1]}/64`],
    mtu: options.mtu ?? 1500,
    offload: options.offload ?? OFFLOAD,
  });
  if (options.impair === undefined) makePatient(lab.netns, link.name, kernel);
  return { link, addresses: [`10.${octet}.0.2/24`, `fd00:${octet}::2/64`] };
}

/**
 * A pause of this process is no loss: has the kernel wait for longer than its usual 200 ms before it sends again.
 * @param device the kernel's end of the link
 * @param addresses the kernel's on it, one of each family that it speaks
 */
export function makePatient(
  netns: string,
  device: string,
  addresses: readonly string[] = [KERNEL, KERNEL_V6],
): void {
  const patient = ['dev', device, 'rto_min', '5s'];
  for (const address of addresses) {
    const route = address.includes(':')
      ? ['-6', 'route', 'add', `${address.slice(0, -1)}/64`, 'metric', '1']
      : ['route', 'change', `${address.slice(0, -1)}0/24`, 'src', address];
    const { status, stderr } = spawnSync('ip', ['-n', netns, ...route, ...patient], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${route.join(' ')}: ${stderr}`);
  }
}

/** A stack with its `net`, on a TUN device unless told otherwise. The first of a lab has the usual addresses. */
export class TestStack {
  private readonly servers: ReturnType<Net['createServer']>[] = [];

  private constructor(
    readonly stack: SynwaveStack,
    readonly net: Net,
    /** Path of the capture, complete after `close`. */
    readonly capture: string | null,
  ) {}

  static async open(lab: Lab, index: number, options: TestStackOptions): Promise<TestStack> {
    const clock = new SystemClock();
    const opened = await (options.over?.() ?? openTun(lab, index, options));
    let { link } = opened;
    if (options.impair !== undefined) link = impair(link, { ...options.impair, clock });
    const capture = options.capture === undefined ? null : lab.file(options.capture);
    const stack = await createStack({
      link,
      addresses: opened.addresses,
      clock,
      ...(capture === null ? {} : { capture: { target: capture, maxBufferedBytes: CAPTURE_BUFFER_BYTES } }),
      ...(options.config === undefined ? {} : { config: options.config }),
    });
    return new TestStack(stack, stack.net, capture);
  }

  /** States of all connections, by name. */
  states(): string[] {
    return [...this.stack.connections()].map((endpoint) => STATE_NAMES[endpoint.connection.state]);
  }

  /** Waits until no connection is left but those in TIME-WAIT. */
  settled(): Promise<void> {
    return until('only TIME-WAIT is left', () => this.states().every((state) => state === 'TIME-WAIT'));
  }

  /** Listens on a free or given port; resolves with the port. */
  listen(server: ReturnType<Net['createServer']>, port = 0, backlog = 511): Promise<number> {
    this.servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, backlog }, () => resolve((server.address() as { port: number }).port));
    });
  }

  /** Ends the stack and completes the capture. */
  async close(): Promise<void> {
    for (const server of this.servers.splice(0)) server.close();
    await this.stack.close();
  }
}
