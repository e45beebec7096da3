// The switch of the mutants, imported by every instrumented file. It also notes which mutants a test meets, and ends what
// a mutant has made endless.

/** Thrown out of a mutant that has used up its time. */
export class OutOfTime extends Error {}

/** How many switches are passed between two looks at the clock. */
const SWITCHES_PER_LOOK = 50_000;

let active = -1;
let met: Uint8Array | null = null;
let fuel = SWITCHES_PER_LOOK;
/** Time of the processor, not of the clock: other programs must not make a mutant look endless. */
let begun = process.cpuUsage();
let allowedMs = Number.POSITIVE_INFINITY;

/** True when the mutant of this number is on. */
export function $on(mutant: number): boolean {
  if (--fuel <= 0) look();
  if (met !== null) met[mutant] = 1;
  return mutant === active;
}

function look(): void {
  fuel = SWITCHES_PER_LOOK;
  if (allowedMs === Number.POSITIVE_INFINITY) return;
  const { user, system } = process.cpuUsage(begun);
  if (user + system > 1000 * allowedMs) throw new OutOfTime('a mutant does not end');
}

/** Switches a mutant on, -1 for none; from now on it has so many milliseconds of the processor. */
export function turnOn(mutant: number, ms: number): void {
  active = mutant;
  allowedMs = ms;
  if (ms !== Number.POSITIVE_INFINITY) begun = process.cpuUsage();
  fuel = SWITCHES_PER_LOOK;
}

/** Notes in `into` every mutant that is met from now on; null ends it. */
export function noteMet(into: Uint8Array | null): void {
  met = into;
}
