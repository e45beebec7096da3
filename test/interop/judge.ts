// tshark as an independent judge of a capture: wrong checksums, malformed packets, and what its TCP analysis finds.
// Compares with an exact allowance per test; what is not allowed must not be there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';

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
  '_ws.malformed',
  'tcp.flags.reset',
  ...CHECKSUMS,
  ...ANALYSIS.map((name) => `tcp.analysis.${name}`),
];
/** Value of a `*.checksum.status` field: 0 is bad, 1 good, 2 unverified, 3 not present. */
const BAD = '0';
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
  const findings = new Map<Finding, string[]>();
  const lines = text.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    const cells = line.split('\t');
    const cell = (field: string) => cells[FIELDS.indexOf(field)] ?? '';
    const frame = cell('frame.number');
    // An ICMP error quotes a packet whose payload is cut off: its inner checksum says nothing.
    if (CHECKSUMS.some((field) => cell(field).split(',')[0] === BAD)) badChecksums.push(frame);
    if (cell('_ws.malformed') !== '') malformed.push(frame);
    const note = (finding: Finding) => {
      const frames = findings.get(finding);
      if (frames === undefined) findings.set(finding, [frame]);
      else frames.push(frame);
    };
    if (/^(1|True)/.test(cell('tcp.flags.reset'))) note('rst');
    for (const name of ANALYSIS) if (cell(`tcp.analysis.${name}`) !== '') note(name);
  }
  return { frames: lines.length, badChecksums, malformed, findings };
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
  /** Packets were damaged on purpose: wrong checksums and malformed packets are no fault. */
  readonly damaged?: boolean;
}

/** Fails unless the capture is faultless but for what is allowed. The message lists frames, to be looked up. */
export async function assertJudged(file: string, demands: Demands = {}): Promise<Judgement> {
  const { allow = {}, minFrames = 1, damaged = false } = demands;
  const judgement = await judge(file);
  assert.ok(
    judgement.frames >= minFrames,
    `${file} has ${judgement.frames} frames, expected ${minFrames} or more`,
  );
  if (!damaged) {
    assert.deepEqual(judgement.badChecksums, [], `${file}: frames with a wrong checksum`);
    assert.deepEqual(judgement.malformed, [], `${file}: malformed frames`);
  }
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

function bounds(allowed: Allowance[Finding]): readonly [number, number] {
  if (allowed === undefined) return [0, 0];
  return typeof allowed === 'number' ? [allowed, allowed] : allowed;
}
