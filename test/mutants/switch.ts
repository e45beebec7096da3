// The switch of the mutants, imported by every file that holds some. It also ends what a mutant has made endless: work is
// counted in switches that are passed, so that no verdict depends on how busy the machine is.

/** Thrown out of a mutant that has used up its work. */
export class OutOfWork extends Error {}

let active = -1;
let allowed = Number.POSITIVE_INFINITY;
let passed = 0;

/** True when the mutant of this number is on. */
export function $on(mutant: number): boolean {
  if (++passed > allowed) throw new OutOfWork('a mutant does not end');
  return mutant === active;
}

/** Switches a mutant on, -1 for none; from now on it may pass so many switches. */
export function turnOn(mutant: number, switches: number): void {
  active = mutant;
  allowed = switches;
  passed = 0;
}

/** Switches passed since something was turned on. */
export function switchesPassed(): number {
  return passed;
}
