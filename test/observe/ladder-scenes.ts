// The plots that ladder tests play: each tells one life of a connection, as the core would tell it.
import { State, Trigger } from '../../src/tcp/state.js';
import { Timer } from '../../src/tcp/timers.js';
import type { StagedConnection } from './staged-connection.js';

const S = State;
const T = Trigger;

/** Three-way handshake from our side. */
export function connectActively(c: StagedConnection): void {
  c.call('connect', S.SYN_SENT, T.CALL_ACTIVE_OPEN);
  c.leave({ flags: 'S', seq: 0, mss: 1460 });
  c.after(0.2).arrive({ flags: 'SA', seq: 0, ack: 1, mss: 1460, to: S.ESTABLISHED, trigger: T.SEG_SYN_ACK });
  c.leave({ flags: 'A', seq: 1, ack: 1 });
}

/** The half-close of the specification: a request, our FIN, 1500 bytes, their FIN. */
export function fourSegmentClose(c: StagedConnection): void {
  connectActively(c);
  c.leave({ flags: 'PA', seq: 1, ack: 1, text: 'req' });
  c.after(0.1).arrive({ flags: 'A', seq: 1, ack: 4 });
  c.after(0.7).call('shutdown', S.FIN_WAIT_1);
  c.leave({ flags: 'FA', seq: 4, ack: 1 });
  c.after(41).arrive({ flags: 'A', seq: 1, ack: 5, to: S.FIN_WAIT_2, trigger: T.SEG_ACK_OF_FIN });
  c.after(6).arrive({ flags: 'PA', seq: 1, ack: 5, len: 1000 });
  c.leave({ flags: 'A', seq: 5, ack: 1001 });
  c.arrive({ flags: 'PA', seq: 1001, ack: 5, len: 500 });
  c.leave({ flags: 'A', seq: 5, ack: 1501 });
  c.after(5);
  c.arrive({ flags: 'FA', seq: 1501, ack: 5, to: S.TIME_WAIT, trigger: T.SEG_FIN });
  c.timer(Timer.TIME_WAIT, 'start', 2000);
  c.after(5).leave({ flags: 'A', seq: 5, ack: 1502 });
  expire2Msl(c);
}

/** End of a TIME-WAIT of two seconds. */
export function expire2Msl(c: StagedConnection): void {
  c.after(2000).timer(Timer.TIME_WAIT, 'fire', 0);
  c.enter(S.CLOSED, T.TIMER_2MSL, null);
  c.close('fin');
}

/** The peer answers our FIN with its own at once: three segments. */
export function mergedClose(c: StagedConnection): void {
  connectActively(c);
  c.after(1).call('close', S.FIN_WAIT_1);
  c.leave({ flags: 'FA', seq: 1, ack: 1 });
  c.after(0.2).timer(Timer.TIME_WAIT, 'start', 2000);
  c.arrive({ flags: 'FA', seq: 1, ack: 2, to: S.TIME_WAIT, trigger: T.SEG_FIN_AND_ACK_OF_FIN });
  c.leave({ flags: 'A', seq: 2, ack: 2 });
  expire2Msl(c);
}

/** Both ends close before they hear of each other. */
export function simultaneousClose(c: StagedConnection): void {
  connectActively(c);
  c.after(1).call('close', S.FIN_WAIT_1);
  c.leave({ flags: 'FA', seq: 1, ack: 1 });
  c.after(0.2).arrive({ flags: 'FA', seq: 1, ack: 1, to: S.CLOSING, trigger: T.SEG_FIN });
  c.leave({ flags: 'A', seq: 2, ack: 2 });
  c.after(0.1).arrive({ flags: 'A', seq: 2, ack: 2, to: S.TIME_WAIT, trigger: T.SEG_ACK_OF_FIN });
  c.timer(Timer.TIME_WAIT, 'start', 2000);
  expire2Msl(c);
}

/** Nobody listens. */
export function refused(c: StagedConnection): void {
  c.call('connect', S.SYN_SENT, T.CALL_ACTIVE_OPEN);
  c.leave({ flags: 'S', seq: 0, mss: 1460 });
  c.after(0.1).arrive({ flags: 'RA', seq: 0, ack: 1, to: S.CLOSED, trigger: T.SEG_RST });
  c.close('refused');
}

/** We give up before anybody answered; whoever hears of the end aborts again, to no effect. */
export function abortedInSynSent(c: StagedConnection): void {
  c.call('connect', S.SYN_SENT, T.CALL_ACTIVE_OPEN);
  c.leave({ flags: 'S', seq: 0, mss: 1460 });
  c.after(500).call('abort', S.CLOSED, T.CALL_ABORT);
  c.close('abort');
  c.call('abort');
}

/** A lost SYN is sent again after a second; `lose` tells the observers of the loss. */
export function retransmittedSyn(c: StagedConnection, lose: (packetId: number) => void): void {
  c.call('connect', S.SYN_SENT, T.CALL_ACTIVE_OPEN);
  c.timer(Timer.RETRANSMISSION, 'start', 1000);
  c.leave({ flags: 'S', seq: 0 });
  lose(1);
  c.after(1000).timer(Timer.RETRANSMISSION, 'fire', 0);
  c.leave({ flags: 'S', seq: 0, retransmission: 1 });
  c.after(0.3).arrive({ flags: 'SA', seq: 0, ack: 1, to: S.ESTABLISHED, trigger: T.SEG_SYN_ACK });
  c.leave({ flags: 'A', seq: 1, ack: 1 });
}

/** We are the server; the client's data and FIN come, we close after them. */
export function passiveLife(c: StagedConnection): void {
  c.arrive({ flags: 'S', seq: 0, mss: 1460, to: S.SYN_RECEIVED, trigger: T.SEG_SYN });
  c.leave({ flags: 'SA', seq: 0, ack: 1, mss: 1460 });
  c.after(0.1).arrive({ flags: 'A', seq: 1, ack: 1, to: S.ESTABLISHED, trigger: T.SEG_ACK_OF_SYN });
  c.after(2).arrive({ flags: 'FA', seq: 1, ack: 1, to: S.CLOSE_WAIT, trigger: T.SEG_FIN });
  c.leave({ flags: 'A', seq: 1, ack: 2 });
  c.after(3).call('close', S.LAST_ACK);
  c.leave({ flags: 'FA', seq: 1, ack: 2 });
  c.after(0.1).arrive({ flags: 'A', seq: 2, ack: 2, to: S.CLOSED, trigger: T.SEG_ACK_OF_FIN });
  c.close('fin');
}
