// What a scenario of the lab is: a rule of TCP, told by packets. Each is declared in a file of its own under
// scenarios/; how it is played and judged stands in run.ts.

import type { Rule } from '../link/impair-rules.js';
import type { Side } from '../observe/ladder-steps.js';
import type { Lang } from '../observe/lexicon.js';
import type { Limits } from '../stack/limits.js';
import type { ConnectionConfig } from '../tcp/config.js';
import type { Stage } from './stage.js';

/** A sentence in both languages. */
export interface Text {
  readonly en: string;
  readonly zh: string;
}

/** Makes a `Text`. */
export function text(en: string, zh: string): Text {
  return { en, zh };
}

/** The sentence in a language. */
export function inLang(sentence: Text, lang: Lang): string {
  return sentence[lang];
}

/** Who plays the other end: the kernel of this machine, or a second stack of ours in virtual time. */
export type World = 'kernel' | 'sim';

/** Protections of TCP that a scenario may take away, to show what they are for. They exist nowhere but here. */
export type UnsafeSwitch =
  | 'handshake=2'
  | 'msl=0'
  | 'isn=fixed'
  | 'paws=off'
  | 'hold-fin-ack'
  | 'backlog=unbounded';

/** Findings of Wireshark's TCP analysis without their prefix `tcp.analysis.`, and `rst` for segments with that bit. */
export type Allowance = Readonly<Record<string, number>>;

/** What may differ between the two worlds. */
export interface Verdicts {
  /** How often tshark may and must find what; everything else must not be there at all. */
  readonly judge: Allowance;
  /** Wireshark's `tcp.completeness` of each stream: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST. */
  readonly completeness: readonly number[];
}

/** One way to play a scenario. */
export interface Variant extends Verdicts {
  /** `H03`, or `H03b` where there are several. */
  readonly id: string;
  /** What is special about it; absent where the title of the scenario says it all. */
  readonly what?: Text;
  /** Which end is our stack: A opens actively, B passively. */
  readonly ours: Side;
  /** Where it can be played. Default: in both worlds. */
  readonly worlds?: readonly World[];
  /** Takes the kernel a minute: played in the simulation unless asked otherwise. */
  readonly slow?: boolean;
  /** The maximum segment lifetime must be no shorter, ms. */
  readonly leastMslMs?: number;
  /**
   * With the kernel, both ends wait a second before they repeat anything, so that a busy machine is not taken for a lossy
   * link. True leaves them at the 200 ms that they have by default, for scenarios that show repetitions. Default false.
   */
  readonly repeats?: boolean;
  /** Keeps the machine so busy that no other run should stand beside it. */
  readonly alone?: boolean;
  /** Programs needed with the kernel. */
  readonly needs?: readonly string[];
  /** Settings of our connections beside the textbook's (neither SACK nor timestamps). */
  readonly config?: Partial<ConnectionConfig>;
  /** Settings of the other end, in the simulation. Default: those of ours. */
  readonly peerConfig?: Partial<ConnectionConfig>;
  /** Settings of the kernel in the namespace of the run. */
  readonly knobs?: Readonly<Record<string, string>>;
  /** What becomes of what the other end sends, before it leaves; in the simulation. */
  readonly peerRules?: readonly Rule[];
  readonly limits?: Partial<Limits>;
  /** How our initial sequence numbers are chosen. Default: one and the same, so that ladders can be compared. */
  readonly isn?: 'fixed' | 'rfc6528';
  /** Those of the other end, in the simulation. Default: RFC 6528. */
  readonly peerIsn?: 'fixed' | 'rfc6528';
  readonly unsafe?: readonly UnsafeSwitch[];
  /** False where bytes are lost on purpose, by a reset or a counterfactual. Default true. */
  readonly intact?: boolean;
  /** Segments of which every field is to be shown afterwards: direction, flags and length, as `A>B A [5]`. */
  readonly inspect?: readonly string[];
  /** What has to cross the link, with the states that it leaves behind; see notation.ts. */
  readonly wire: string;
  /** States of our stack in their order. Absent: not asked. */
  readonly path?: string;
  /** Differences with the kernel. */
  readonly kernel?: Partial<Verdicts>;
  play(stage: Stage): Promise<void>;
}

/** A rule, and the ways to see it. */
export interface Scenario {
  readonly id: string;
  readonly title: Text;
  /** Claims of the tutorial that it demonstrates: `C01`. */
  readonly claims: readonly string[];
  /** What to remember. */
  readonly moral: Text;
  readonly variants: readonly Variant[];
}

/** Where a variant can be played. */
export function worldsOf(variant: Variant): readonly World[] {
  return variant.worlds ?? ['kernel', 'sim'];
}

/** What a judge has to find in a world. */
export function verdictsOf(variant: Variant, world: World): Verdicts {
  const own = world === 'kernel' ? variant.kernel : undefined;
  return {
    judge: own?.judge ?? variant.judge,
    completeness: own?.completeness ?? variant.completeness,
  };
}
