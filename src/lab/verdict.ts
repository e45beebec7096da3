// Holds the captures of runs against what tshark may and must find in them. All captures are judged in one go: starting
// tshark takes longer than reading them.
import { readFileSync, writeFileSync } from 'node:fs';
import { type Outcome, same } from './outcome.js';
import { assertion } from './rules.js';
import { type Text, text, verdictsOf } from './scenario.js';
import { type Judgement, judge } from './tshark.js';

/** Types of the pcapng blocks that Wireshark numbers as frames: packets, and entries of a journal. */
const FRAME_BLOCKS: readonly number[] = [6, 9];
const PACKET_BLOCKS: readonly number[] = [6];

/** How many blocks of these types a little-endian pcapng file has. */
function blocksIn(bytes: Buffer, types: readonly number[]): number {
  let blocks = 0;
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
    if (types.includes(bytes.readUInt32LE(at))) blocks++;
  }
  return blocks;
}

/**
 * Adds tshark's verdict to each outcome, and two assertions.
 * @param scratch path of a file that it may write
 * @throws Error with code `ENOENT` when there is no tshark
 */
export async function judgeOutcomes(outcomes: readonly Outcome[], scratch: string): Promise<void> {
  const captures = outcomes.map(({ capture }) => readFileSync(capture));
  writeFileSync(scratch, Buffer.concat(captures));
  const judgement = await judge(scratch, { completeness: true });
  let first = 1;
  outcomes.forEach((outcome, i) => {
    const last = first + blocksIn(captures[i]!, FRAME_BLOCKS) - 1;
    addVerdict(outcome, judgement, first, last, blocksIn(captures[i]!, PACKET_BLOCKS));
    first = last + 1;
  });
}

function addVerdict(
  outcome: Outcome,
  judgement: Judgement,
  first: number,
  last: number,
  segments: number,
): void {
  const within = (frame: string) => Number(frame) >= first && Number(frame) <= last;
  const badChecksums = judgement.badChecksums.filter(within).length;
  const malformed = judgement.malformed.filter(within).length;
  const { judge: allowed, completeness } = verdictsOf(outcome.variant, outcome.world);
  const faults: Text[] = [];
  let unexpected = 0;
  const found = new Map<string, number>();
  for (const [finding, frames] of judgement.findings) found.set(finding, frames.filter(within).length);
  for (const finding of new Set([...found.keys(), ...Object.keys(allowed)])) {
    const [got, asked] = [found.get(finding) ?? 0, allowed[finding] ?? 0];
    if (got === asked) continue;
    unexpected += Math.max(0, got - asked);
    faults.push(text(`${finding}: ${got}, expected ${asked}`, `${finding}：${got}，应为 ${asked}`));
  }
  const streams = [...judgement.streams].filter(([frame]) => within(frame)).map(([, bits]) => bits);
  if (streams.join() !== completeness.join()) {
    const [got, asked] = [streams.join(), completeness.join()];
    faults.push(text(`completeness: ${got}, expected ${asked}`, `completeness：${got}，应为 ${asked}`));
  }
  outcome.verdict = { segments, badChecksums, unexpected, completeness: streams };
  const damage = [...Array(badChecksums).fill('bad checksum'), ...Array(malformed).fill('malformed')];
  outcome.assertions.push(
    assertion(
      text('tshark: every checksum is right, nothing is malformed', 'tshark：校验和全部正确，格式无误'),
      damage.map(same),
    ),
    assertion(
      text('tshark finds exactly what the scenario allows', 'tshark 的发现与实验允许的完全一致'),
      faults,
    ),
  );
}
