// A probe for bandwidth that lost too much, and how much was in flight when it did (BBR §5.5.10.2).
import type { Bbr } from '../bbr.js';
import type { LostSegment } from '../controller.js';
import { targetInflight } from './cwnd.js';
import { BETA, LOSS_THRESH } from './parameters.js';
import { Phase } from './phase.js';
import { enterDown } from './transitions.js';

/** IsInflightTooHigh. Without SACK only one loss shows in a round trip, so that one is enough. */
export function isInflightTooHigh(b: Bbr, lost: number, txInFlight: number): boolean {
  return lost > txInFlight * LOSS_THRESH || (lost > 0 && !b.hasSack);
}

/** HandleLostPacket, of a segment that may have been sent while probing. */
export function checkLostSegment(b: Bbr, segment: LostSegment, now: number): void {
  if (!b.isBwProbeSample) return;
  const lost = b.lost - segment.sentLost;
  if (!isInflightTooHigh(b, lost, segment.sentInFlight)) return;
  stopProbing(b, inflightAtLoss(segment, lost), segment.isAppLimited, now);
}

/** InflightAtLoss: a segment may be a burst of many, and only a part of it was too much. */
function inflightAtLoss(segment: LostSegment, lost: number): number {
  const inflightBefore = segment.sentInFlight - segment.bytes;
  const lostBefore = lost - segment.bytes;
  const lostPart = (LOSS_THRESH * inflightBefore - lostBefore) / (1 - LOSS_THRESH);
  return Math.floor(inflightBefore + Math.max(0, lostPart));
}

/** HandleInflightTooHigh. Losses are no less real while the application is slow, but the volume is then not its limit. */
export function stopProbing(b: Bbr, txInFlight: number, isAppLimited: boolean, now: number): void {
  b.wasTooHigh = true;
  b.isBwProbeSample = false;
  if (!isAppLimited) b.longTerm.inflight = Math.max(txInFlight, Math.floor(targetInflight(b) * BETA));
  if (b.phase !== Phase.UP) return;
  b.episode.undoPhase = Phase.UP;
  enterDown(b, now);
}
