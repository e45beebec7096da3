// The project's packetdrill scripts against the kernel, so that script and stack are both checked: what a script demands of
// our stack another stack does too, unless its header says why not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type DrillResult,
  failureReport,
  parseScript,
  runScript,
  type Script,
} from '../../src/drill/index.js';
import { openKernelHost } from '../../src/drill/kernel-host.js';
import type { KernelHost, KernelSubject } from '../../src/drill/kernel-subject.js';
import { SCRIPTS, scriptPaths } from '../drill/scripts.js';
import { Lab, obstacle } from './lab.js';

/** Scripts mostly wait: several share the processors. */
const HOSTS = 8;
/** A script that does something later than this may fail for it, and gets another try. */
const SLIP_MS = 5;
const TRIES = 3;

const skip = obstacle('python3');

test('scripts that both must pass, against the kernel', { skip, concurrency: HOSTS }, async (t) => {
  const idle: KernelHost[] = [];
  for (let i = 0; i < HOSTS; i++) {
    const host = await openKernelHost(`/run/netns/${Lab.open(t).netns}`);
    t.after(() => host.close());
    idle.push(host);
  }
  const cases = scriptPaths().map((path) => parseScript(readFileSync(join(SCRIPTS, path), 'utf8'), path));
  await Promise.all(
    cases
      .filter((script) => script.header.kernelDiffers === null)
      .map((script) =>
        t.test(script.name, async () => {
          const host = idle.pop()!;
          const result = await playInTime(script, host);
          idle.push(host);
          if (result.verdict === 'pass') return;
          // A script that the kernel cannot play says so in its header, else nobody would notice that it is never played.
          const why = result.verdict === 'skip' ? [`skipped: ${result.reason}`] : failureReport(result);
          throw Object.assign(new Error(why.join('\n')), { stack: undefined });
        }),
      ),
  );
});

/** A script fails for good only when it could keep its times: the kernel's timers do not wait for a busy machine. */
async function playInTime(script: Script, host: KernelHost): Promise<DrillResult> {
  for (let tries = 1; ; tries++) {
    const subjects: KernelSubject[] = [];
    const result = await runScript(script, {
      subject: async (settings) => {
        const subject = await host.begin(settings, null);
        subjects.push(subject);
        return subject;
      },
    });
    const wasInTime = subjects.every(({ worstSlipMs }) => worstSlipMs <= SLIP_MS);
    if (result.verdict !== 'fail' || wasInTime || tries === TRIES) return result;
  }
}
