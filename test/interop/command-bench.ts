// The command `synwave` as a process, in a namespace of its own, for the tests of the command.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KERNEL, type Lab, makePatient, type Program, until } from './lab.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** `kernel-peer.ts`, built. */
export const PEER = fileURLToPath(new URL('./kernel-peer.js', import.meta.url));

let runs = 0;

/** A namespace name and a folder of claims for one test, so that runs on one machine do not meet. */
export class Bench {
  readonly netns = `synwave-cmd-${process.pid}-${++runs}`;
  readonly claims: string;

  constructor(readonly lab: Lab) {
    this.claims = lab.file('claims');
  }

  /** Starts a verb. */
  start(...words: readonly string[]): Program {
    return this.lab.startOutside(this.words(words));
  }

  /** Runs a verb to its end. */
  run(...words: readonly string[]) {
    return this.start(...words).ended;
  }

  /** The command line of a verb. */
  words([verb = '', ...rest]: readonly string[]): string[] {
    const dashes = rest.indexOf('--');
    const own = dashes < 0 ? rest : rest.slice(0, dashes);
    const passed = dashes < 0 ? [] : rest.slice(dashes);
    return [
      'env',
      `SYNWAVE_RUNTIME_DIR=${this.claims}`,
      process.execPath,
      MAIN,
      verb,
      '--netns',
      this.netns,
      ...own,
      ...passed,
    ];
  }

  /** Starts a serving verb and waits until it serves. */
  async serving(...words: readonly string[]): Promise<Program> {
    const program = this.start(...words);
    await until(
      'it serves',
      () => /in another terminal/.test(program.stderr()) || program.child.exitCode !== null,
    );
    assert.equal(program.child.exitCode, null, program.stderr());
    this.lab.stopTailLossProbes(this.netns);
    return program;
  }

  /** Runs `up`. */
  async up(): Promise<void> {
    const up = await this.run('up');
    assert.equal(up.status, 0, up.stderr);
    this.lab.stopTailLossProbes(this.netns);
    makePatient(this.netns, 'lab0', [KERNEL]);
  }

  /** Claims that stand. */
  get claimed(): string[] {
    return this.runtimeFiles.filter((name) => name.endsWith('.json'));
  }

  private get runtimeFiles(): string[] {
    return existsSync(this.claims) ? readdirSync(this.claims) : [];
  }

  get namespaceExists(): boolean {
    return existsSync(`/run/netns/${this.netns}`);
  }

  /** Nothing of the run is left. */
  assertClean(): void {
    assert.equal(this.namespaceExists, false, 'the namespace is gone');
    assert.deepEqual(this.runtimeFiles, [], 'neither a claim nor a socket is left');
  }
}
