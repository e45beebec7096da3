// Waits for a server to be there, from within its namespace.
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { answerParent } from '../remote.js';

/** Where the server will be. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

const RETRY_MS = 1;

function isThere({ host, port }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.resetAndDestroy());
  });
}

/** When the first connection was there: seconds of the clock that all processes of the machine share. */
async function reach(place: Place): Promise<number> {
  while (!(await isThere(place))) await setTimeout(RETRY_MS);
  return Number(process.hrtime.bigint()) / 1e9;
}

answerParent({ reach }, async () => {});
