// Captures held against an exact allowance per test, with tshark as judge; what is not allowed must not be there.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type Finding, type Judgement, judge } from '../../src/lab/tshark.js';

export { type Finding, type Judgement, judge } from '../../src/lab/tshark.js';

/**
 * Frames of a connection with one request, at least: three of the handshake, request, response, a FIN each, one of which may
 * acknowledge the other's, and the last ACK.
 */
export const REQUEST_FRAMES = 8;

/** What a test allows: exactly so many, or any number from…to. Everything else must be zero. */
export type Allowance = Partial<Record<Finding, number | readonly [least: number, most: number]>>;

/** Any number of a finding. */
export const ANY: readonly [number, number] = [0, Number.POSITIVE_INFINITY];

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
