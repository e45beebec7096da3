// Names with a fixed meaning in snippets: those of the kernel's headers.
import type { Value } from './code.js';

/** Linux's numbers of the states, by their names there. */
export const STATE_NUMBERS: Readonly<Record<string, number>> = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
};

/** Spellings of the RFC and of FreeBSD. */
const STATE_ALIASES: Readonly<Record<string, number>> = {
  SYN_RECEIVED: 3,
  FIN_WAIT_1: 4,
  FIN_WAIT_2: 5,
  CLOSED: 7,
};

/** Names with a fixed meaning: those of the kernel's headers. */
export const CODE_CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['True', true],
  ['False', false],
  ...states('TCP_'),
  ...states('TCPI_'),
  ...['Open', 'Disorder', 'CWR', 'Recovery', 'Loss'].map((name, i): [string, number] => [
    `TCP_CA_${name}`,
    i,
  ]),
  ['TCPI_OPT_TIMESTAMPS', 1],
  ['TCPI_OPT_SACK', 2],
  ['TCPI_OPT_WSCALE', 4],
  ['TCPI_OPT_ECN', 8],
  ['TCPI_OPT_ECN_SEEN', 16],
  ['TCPI_OPT_SYN_DATA', 32],
  ['TCP_INFINITE_SSTHRESH', 0x7fff_ffff],
]);

function states(prefix: string): [string, number][] {
  return Object.entries({ ...STATE_NUMBERS, ...STATE_ALIASES }).map(([name, value]) => [
    `${prefix}${name}`,
    value,
  ]);
}
