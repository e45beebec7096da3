// tshark as an independent judge of captures: wrong checksums, malformed packets, and what its TCP analysis finds.
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
  /** Completeness of each stream, by the number of its first frame; see `Judging.completeness`. */
  readonly streams: ReadonlyMap<string, number>;
}

/** Settings of `judge`. */
export interface Judging {
  /** Read the file twice, so that the completeness of streams is final. Default false. */
  readonly completeness?: boolean;
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
  'tcp.stream',
  'tcp.completeness',
  ...CHECKSUMS,
  ...ANALYSIS.map((name) => `tcp.analysis.${name}`),
];
/** Value of a `*.checksum.status` field: 0 is bad, 1 good, 2 unverified, 3 not present. */
const BAD = '0';
/** Value of `frame.packet_flags_direction` for packets that the stack sent. */
const OUTBOUND = '0x00000002';
const OUTPUT_LIMIT = 512 * 1024 * 1024;

/**
 * Reads a capture with tshark.
 * @throws Error with code `ENOENT` when there is no tshark
 */
export async function judge(file: string, judging: Judging = {}): Promise<Judgement> {
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
  if (judging.completeness === true) argv.push('-2');
  for (const preference of preferences) argv.push('-o', preference);
  for (const field of FIELDS) argv.push('-e', field);
  const text = await tshark(argv);
  const badChecksums: string[] = [];
  const malformed: string[] = [];
  const sent = new Set<string>();
  const findings = new Map<Finding, string[]>();
  const streams = new Map<string, number>();
  const known = new Set<string>();
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
    const stream = cell('tcp.stream');
    if (stream !== '' && !known.has(stream)) {
      known.add(stream);
      streams.set(frame, Number(cell('tcp.completeness')));
    }
    if (cell('_ws.malformed') !== '') malformed.push(frame);
    const note = (finding: Finding) => {
      const frames = findings.get(finding);
      if (frames === undefined) findings.set(finding, [frame]);
      else frames.push(frame);
    };
    if (/^(1|True)/.test(cell('tcp.flags.reset'))) note('rst');
    for (const name of ANALYSIS) if (cell(`tcp.analysis.${name}`) !== '') note(name);
  }
  return { frames: lines.length, badChecksums, malformed, sent, findings, streams };
}

function tshark(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('tshark', argv, { maxBuffer: OUTPUT_LIMIT }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(Object.assign(new Error(`tshark: ${stderr || error.message}`), { code: error.code }));
    });
  });
}
