// What a sender knows of its path and of its losses, as one piece: a connection that has sent nothing yet needs none of it.
import type { ConnectionConfig } from './config.js';
import type { Controller } from './congestion/controller.js';
import { CwndValidation } from './congestion/cwnd-validation.js';
import { DeliveryRate } from './delivery-rate.js';
import { Flight } from './flight.js';
import { LimitClock } from './limit-clock.js';
import { Pacer } from './pacing.js';
import { Rack } from './rack.js';
import { RttEstimator } from './rtt.js';
import { RetransmissionVariables } from './tcb.js';

/** Made at the first use, and put away after a handshake in which nothing was learnt (see `rest`). */
export class SenderState {
  readonly rtx = new RetransmissionVariables();
  /** What was sent and not acknowledged, segment by segment. */
  readonly flight = new Flight();
  readonly rate = new DeliveryRate();
  readonly rack = new Rack();
  readonly rtt: RttEstimator;
  /** What stopped the last transmission, and for how long each reason has. */
  limited = new LimitClock();
  readonly congestion: Controller;
  /** Null for a controller that has a model of the path by itself. */
  readonly validation: CwndValidation | null;
  /** Null for a controller that does not pace. */
  readonly pacer: Pacer | null;

  /** @param mss effective send MSS, as far as it is known */
  constructor(config: ConnectionConfig, mss: number) {
    this.rtt = new RttEstimator(config.rtoInitialMs, config.rtoMinMs, config.rtoMaxMs);
    this.congestion = config.congestion(mss, config.initialWindowSegments);
    this.validation = this.congestion.ownsRecovery === true ? null : new CwndValidation();
    const isPaced = this.congestion.pacingRate !== undefined;
    this.pacer = isPaced ? new Pacer(mss, config.initialWindowSegments) : null;
  }
}
