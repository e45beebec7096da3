// tshark as an independent judge of a capture: wrong checksums, malformed packets, and what its TCP analysis finds.
// Compares with an exact allowance per test; what is not allowed must not be there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Findings of Wireshark's TCP analysis that are counted, without their prefix `tcp.analysis.`. */
const ANALYSIS = [
  'retransmission',
  'fast_retransmission',
  'spurious_retransmission',
  'out_of_order',
  'duplicate_ack',
  'lost_segment',
  'ack_lost_segment',
  'window_full',
  'window_update',
  'zero_window',
  'zero_window_probe',
  'zero_window_probe_ack',
  'keep_alive',
  'keep_alive_ack',
  'reused_ports',
  'tfo_syn',
  'tfo_ack',
  'tfo_ignored',
] as const;

/** A finding, or `rst` for segments with the RST bit. */
export type Finding = (typeof ANALYSIS)[number] | 'rst';

/** What a test allows: exactly so many, or any number from…to. Everything else must be zero. */
export type Allowance = Partial<Record<Finding, number | readonly [least: number, most: number]>>;

/** Any number of a finding. */
export const ANY: readonly [number, number] = [0, Number.POSITIVE_INFINITY];

/** What tshark says about a capture. */
export interface Judgement {
  readonly frames: number;
  /** Numbers of frames with a wrong checksum of IP, TCP, ICMP or ICMPv6. */
  readonly badChecksums: readonly string[];
  /** Numbers of frames that no dissector could read to their end. */
  readonly malformed: readonly string[];
  /** Numbers of the frames that the stack sent, as the capture's direction flag tells. */
  readonly sent: ReadonlySet<string>;
  /** Numbers of the frames of each finding. */
  readonly findings: ReadonlyMap<Finding, readonly string[]>;
}

const CHECKSUMS = [
  'ip.checksum.status',
  'tcp.checksum.status',
  'icmp.checksum.status',
  'icmpv6.checksum.status',
] as const;
const FIELDS = [
  'frame.number',
  'frame.packet_flags_direction',
  '_ws.malformed',
  'tcp.flags.reset',
  'tcp.checksum',
  'tcp.checksum_calculated',
  ...CHECKSUMS,
  ...ANALYSIS.map((name) => `tcp.analysis.${name}`),
];
/** Value of a `*.checksum.status` field: 0 is bad, 1 good, 2 unverified, 3 not present. */
const BAD = '0';
/** Value of `frame.packet_flags_direction` for packets that the stack sent. */
const OUTBOUND = '0x00000002';
const OUTPUT_LIMIT = 512 * 1024 * 1024;

/** Reads a capture with tshark. */
export async function judge(file: string): Promise<Judgement> {
  const preferences = [
    'ip.check_checksum:TRUE',
    'tcp.check_checksum:TRUE',
    'tcp.analyze_sequence_numbers:TRUE',
  ];
  const argv = [
    '-n',
    '-r',
    file,
    '-T',
    'fields',
    '-E',
    'separator=/t',
    '-E',
    'occurrence=a',
    '-E',
    'aggregator=,',
  ];
  // Only TCP is judged. Whatever an ephemeral port number means to Wireshark, the payload is not that protocol.
  argv.push('-d', 'tcp.port==1-65535,data');
  for (const preference of preferences) argv.push('-o', preference);
  for (const field of FIELDS) argv.push('-e', field);
  const text = await tshark(argv);
  const badChecksums: string[] = [];
  const malformed: string[] = [];
  const sent = new Set<string>();
  const findings = new Map<Finding, string[]>();
  const lines = text.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    const cells = line.split('\t');
    const cell = (field: string) => cells[FIELDS.indexOf(field)] ?? '';
    const frame = cell('frame.number');
    if (cell('frame.packet_flags_direction') === OUTBOUND) sent.add(frame);
    // Linux writes a checksum of zero as 0xffff, for TCP as for UDP. It is the same number (RFC 1071 §1), but tshark
    // compares bits. What we send must please tshark, too.
    // An ICMP error quotes a packet whose payload is cut off: its inner checksum says nothing.
    const isIcmp = cell('icmp.checksum.status') !== '' || cell('icmpv6.checksum.status') !== '';
    const bad = CHECKSUMS.filter(
      (field) => cell(field).split(',')[0] === BAD && !(isIcmp && field === 'tcp.checksum.status'),
    );
    const isOtherZero =
      !sent.has(frame) && cell('tcp.checksum') === '0xffff' && cell('tcp.checksum_calculated') === '0x0000';
    if (bad.some((field) => !(isOtherZero && field === 'tcp.checksum.status'))) badChecksums.push(frame);
    if (cell('_ws.malformed') !== '') malformed.push(frame);
    const note = (finding: Finding) => {
      const frames = findings.get(finding);
      if (frames === undefined) findings.set(finding, [frame]);
      else frames.push(frame);
    };
    if (/^(1|True)/.test(cell('tcp.flags.reset'))) note('rst');
    for (const name of ANALYSIS) if (cell(`tcp.analysis.${name}`) !== '') note(name);
  }
  return { frames: lines.length, badChecksums, malformed, sent, findings };
}

function tshark(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('tshark', argv, { maxBuffer: OUTPUT_LIMIT }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`tshark: ${stderr || error.message}`));
    });
  });
}

/** What to ask of a capture. */
export interface Demands {
  readonly allow?: Allowance;
  /** Frames that must be there, at least. Default 1: an empty capture proves nothing. */
  readonly minFrames?: number;
  /** Received packets were damaged on purpose: those are not judged. What was sent is. */
  readonly damaged?: 'received';
}

/** Fails unless the capture is faultless but for what is allowed. The message lists frames, to be looked up. */
export async function assertJudged(file: string, demands: Demands = {}): Promise<Judgement> {
  const { allow = {}, minFrames = 1 } = demands;
  const judgement = await (demands.damaged === 'received' ? judgeWithoutDamage(file) : judge(file));
  assert.ok(
    judgement.frames >= minFrames,
    `${file} has ${judgement.frames} frames, expected ${minFrames} or more`,
  );
  assert.deepEqual(judgement.badChecksums, [], `${file}: frames with a wrong checksum`);
  assert.deepEqual(judgement.malformed, [], `${file}: malformed frames`);
  for (const [finding, frames] of judgement.findings) {
    const [least, most] = bounds(allow[finding]);
    assert.ok(
      frames.length >= least && frames.length <= most,
      `${file}: ${finding} in ${frames.length} frames (${frames.slice(0, 10).join(', ')}), allowed ${least}…${most}`,
    );
  }
  for (const [finding, allowed] of Object.entries(allow) as [Finding, Allowance[Finding]][]) {
    const [least] = bounds(allowed);
    const seen = judgement.findings.get(finding)?.length ?? 0;
    assert.ok(seen >= least, `${file}: ${finding} in ${seen} frames, expected ${least} or more`);
  }
  return judgement;
}

/**
 * Judges a capture without the received packets that have a wrong checksum or cannot be read. They are taken out of
 * the file: Wireshark's analysis believes the numbers and bits of a damaged segment, and then doubts the sound ones.
 */
async function judgeWithoutDamage(file: string): Promise<Judgement> {
  const { badChecksums, malformed, sent } = await judge(file);
  const damaged = new Set([...badChecksums, ...malformed].filter((frame) => !sent.has(frame)).map(Number));
  const sound = `${file}.sound`;
  writeFileSync(sound, withoutFrames(readFileSync(file), damaged));
  return judge(sound);
}

/** Types of the pcapng blocks that Wireshark numbers as frames: packets, and entries of a journal. */
const FRAME_BLOCKS: readonly number[] = [6, 9];

/** A little-endian pcapng file without the frames of these numbers, which count from 1. */
function withoutFrames(bytes: Buffer, unwanted: ReadonlySet<number>): Buffer {
  const kept: Buffer[] = [];
  let frame = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    const isFrame = FRAME_BLOCKS.includes(bytes.readUInt32LE(at));
    if (!isFrame || !unwanted.has(++frame)) kept.push(bytes.subarray(at, at + length));
    at += length;
  }
  return Buffer.concat(kept);
}

function bounds(allowed: Allowance[Finding]): readonly [number, number] {
  if (allowed === undefined) return [0, 0];
  return typeof allowed === 'number' ? [allowed, allowed] : allowed;
}
