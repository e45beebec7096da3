// BBR version 3 (draft-ietf-ccwg-bbr-06): paces at the bandwidth that it measures, and keeps in flight what that
// bandwidth and the shortest round trip need. The class holds the model and the doors; the rules stand in bbr/.
import { Chance } from './bbr/chance.js';
import { setCwnd } from './bbr/cwnd.js';
import {
  checkTimeoutRepaired,
  Episode,
  enterFastRecovery,
  enterTimeout,
  leaveRecovery,
  Recovery,
  saveOnLoss,
  undo,
} from './bbr/episode.js';
import { ExtraAcked } from './bbr/extra-acked.js';
import { FullPipe } from './bbr/full-pipe.js';
import { checkLostSegment, stopProbing } from './bbr/inflight-too-high.js';
import { LongTerm } from './bbr/long-term.js';
import { MaxBandwidth } from './bbr/max-bandwidth.js';
import { MinRtt } from './bbr/min-rtt.js';
import { initPacingRate, setPacingRate, setPacingRateToBw } from './bbr/pacing-rate.js';
import { AckPhase, isAccelerating, isProbeBw, Phase } from './bbr/phase.js';
import { updateProbeBw } from './bbr/probe-bw.js';
import { checkProbeRtt, checkProbeRttDone } from './bbr/probe-rtt.js';
import { RateSample } from './bbr/rate-sample.js';
import { Rounds } from './bbr/rounds.js';
import { ShortTerm } from './bbr/short-term.js';
import { checkDrainDone, checkStartupDone, LostRanges, leaveOnCongestion } from './bbr/startup.js';
import type { AckSample, CongestionCause, Controller, LostSegment } from './controller.js';
import { initialWindow } from './initial-window.js';

/**
 * The controller and its model of the path, open to tests and to who wants to show it. Bytes, ms, bytes per ms.
 * It has no slow-start threshold: `ssthresh` stays out of reach.
 */
export class Bbr implements Controller {
  readonly name = 'bbr';
  readonly ownsRecovery = true;
  cwnd: number;
  ssthresh = Number.MAX_SAFE_INTEGER;
  pacingRate = 0;

  phase: Phase = Phase.STARTUP;
  ackPhase: AckPhase = AckPhase.INIT;
  /** The bandwidth to use: the highest of late, within the short-term bound. */
  bw = 0;
  /** `totalDelivered` and `totalLost` as far as known. */
  delivered = 0;
  lost = 0;
  hasSack = true;
  /** No full segment fitted into the window at some time in the last round trip (C.is_cwnd_limited). */
  isCwndLimited = false;
  isIdleRestart = false;

  drainStartRound = 0;
  /** When the current cycle of PROBE-BW began, and how long it waits at most before it probes. */
  cycleAt = 0;
  probeWaitMs = 0;
  /** Acknowledgments and losses concern data of REFILL or UP, and there was no reaction to it yet. */
  isBwProbeSample = false;
  /** The last probe lost too much (prev_probe_too_high). */
  wasTooHigh = false;
  /** The last probe stopped early where the one before had lost too much (prev_probe_precautionary). */
  isPrecautionary = false;
  /** When PROBE-RTT may end; 0: the pipe is not yet half empty. */
  probeRttDoneAt = 0;
  isProbeRttRoundDone = false;
  /** What left while so many bytes were delivered was held back by PROBE-RTT. */
  quietFrom = 0;
  quietUntil = -1;

  readonly rs = new RateSample();
  readonly rounds = new Rounds();
  readonly maxBw = new MaxBandwidth();
  readonly minRtt = new MinRtt();
  readonly extraAcked = new ExtraAcked();
  readonly fullPipe = new FullPipe();
  readonly shortTerm = new ShortTerm();
  readonly longTerm = new LongTerm();
  readonly lostRanges = new LostRanges();
  readonly episode = new Episode();
  readonly chance = new Chance();

  private hasBegun = false;
  private hasRtt = false;
  private wasCwndFilled = false;

  constructor(
    public mss: number,
    private readonly initialWindowSegments: number,
  ) {
    this.cwnd = this.initialWindow;
    initPacingRate(this);
  }

  get inSlowStart(): boolean {
    return this.phase === Phase.STARTUP;
  }

  /** RFC 6928. */
  get initialWindow(): number {
    return initialWindow(this.mss, this.initialWindowSegments);
  }

  setMss(mss: number): void {
    const isUntouched = this.cwnd === this.initialWindow;
    this.mss = mss;
    if (isUntouched) this.cwnd = this.initialWindow;
    if (!this.hasRtt) initPacingRate(this);
  }

  onHandshake(rttMs: number): void {
    this.minRtt.start(rttMs);
    this.firstRtt(rttMs);
  }

  onSent(inFlight: number, isIdle: boolean, isAppLimited: boolean, now: number): void {
    this.begin(now);
    if (inFlight + this.mss > this.cwnd) {
      this.isCwndLimited = true;
      this.wasCwndFilled = true;
    }
    if (isIdle && (isAppLimited || this.delivered <= this.quietUntil)) this.restartFromIdle(now);
  }

  onSegmentLost(segment: LostSegment, now: number): void {
    this.lost += segment.bytes;
    this.shortTerm.noteLoss();
    this.lostRanges.note(segment);
    saveOnLoss(this);
    checkLostSegment(this, segment, now);
  }

  onCongestion(sample: AckSample, cause: CongestionCause): void {
    this.learn(sample);
    if (cause === 'loss') enterFastRecovery(this);
    else this.onMark(sample);
  }

  onAck(sample: AckSample): void {
    this.learn(sample);
    const { sentDelivered } = sample;
    const isQuiet = sentDelivered >= this.quietFrom && sentDelivered <= this.quietUntil;
    this.rs.take(sample, sample.isAppLimited || isQuiet);
    this.firstRtt(sample.srttMs);
    this.updateModelAndState();
    setPacingRate(this);
    setCwnd(this);
    checkTimeoutRepaired(this);
  }

  onRecovered(): void {
    leaveRecovery(this);
  }

  onTimeout(sample: AckSample, isFirst: boolean): void {
    this.learn(sample);
    enterTimeout(this, sample.priorInFlight, sample.inFlight, isFirst);
  }

  onSpurious(priorCwnd: number): void {
    undo(this, priorCwnd);
  }

  /** BBR §5.4: the window stays as it is; pacing sees to it that it does not leave in one burst. */
  onIdle(): void {}

  /** UpdateModelAndState, once the sample is taken. */
  private updateModelAndState(): void {
    const { rs, shortTerm, rounds } = this;
    shortTerm.update(rs);
    rounds.update(rs);
    if (rounds.isStart) {
      this.isCwndLimited = this.wasCwndFilled;
      this.wasCwndFilled = false;
    }
    this.maxBw.update(rs);
    if (shortTerm.isRoundStart) this.endOfLossRound();
    this.extraAcked.update(this);
    if (rounds.isStart) this.fullPipe.endOfRound(rs);
    checkStartupDone(this);
    checkDrainDone(this);
    updateProbeBw(this);
    this.minRtt.update(rs);
    checkProbeRtt(this);
    shortTerm.advance(rs);
    this.bw = Math.min(this.maxBw.value, shortTerm.bw);
  }

  /** AdaptLowerBoundsFromCongestion: losses of our own probing are another matter (inflight-too-high.ts). */
  private endOfLossRound(): void {
    const { shortTerm } = this;
    if (shortTerm.isLossInRound && !isAccelerating(this.phase)) {
      shortTerm.adapt(this.maxBw.value, this.cwnd);
    }
    shortTerm.isLossInRound = false;
    // Losses that led into no recovery are no episode.
    if (this.episode.recovery === Recovery.NONE) this.episode.isSaved = false;
  }

  /**
   * BBR §3.7: a mark is congestion. The draft leaves open how to answer. Here it weighs as much as losses of a round
   * trip that are too many: it ends a probe, and otherwise lowers the short-term bounds.
   */
  private onMark(sample: AckSample): void {
    this.shortTerm.noteLoss();
    saveOnLoss(this);
    if (this.phase === Phase.STARTUP) leaveOnCongestion(this);
    else if (this.isBwProbeSample && sample.sentDelivered >= 0) {
      stopProbing(this, sample.sentInFlight, sample.isAppLimited, sample.now);
    }
  }

  /** HandleRestartFromIdle: without a gain, and without what was acknowledged in a bunch before. */
  private restartFromIdle(now: number): void {
    this.isIdleRestart = true;
    this.extraAcked.restart();
    if (isProbeBw(this.phase)) setPacingRateToBw(this);
    else if (this.phase === Phase.PROBE_RTT) checkProbeRttDone(this, now);
  }

  /** The first segment of the connection leaves, its SYN. */
  private begin(now: number): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.minRtt.begin(now);
  }

  /** @param rttMs 0 before there is a measurement */
  private firstRtt(rttMs: number): void {
    if (this.hasRtt || rttMs <= 0) return;
    this.hasRtt = true;
    initPacingRate(this, rttMs);
  }

  private learn(sample: AckSample): void {
    this.delivered = sample.totalDelivered;
    this.lost = sample.totalLost;
    this.hasSack = sample.hasSack !== false;
    this.shortTerm.settle(sample.totalDelivered);
  }
}

/**
 * BBRv3 with the initial window of RFC 6928. Its `pacingRate` must be kept (pacing.ts), and the samples must bring
 * delivery rates (delivery-rate.ts).
 */
export function bbr(mss: number, initialWindowSegments: number): Bbr {
  return new Bbr(mss, initialWindowSegments);
}
