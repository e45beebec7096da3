// `synwave/drill`: packetdrill scripts as tests of the stack, of a congestion controller, of settings.
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { failureReport } from './report.js';
import { type DrillOptions, runScript } from './run.js';

export type { DrillFailure, DrillResult } from './outcome.js';
export { parseScript } from './parse.js';
export { failureReport, tapLines } from './report.js';
export { type DrillOptions, runScript } from './run.js';
export { type Script, ScriptError, type ScriptHeader } from './script.js';

/**
 * Declares one test of node:test that plays a script; it is skipped, with the reason, when the script cannot be played.
 * @param file path or URL of the script
 * @param options as for `runScript`; `title` names the test, by default it is the path
 */
export function drillTest(file: string | URL, options: DrillOptions & { title?: string } = {}): void {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  test(options.title ?? path, async (t) => {
    const result = await runScript(readFileSync(path, 'utf8'), options, path);
    if (result.verdict === 'skip') t.skip(result.reason ?? '');
    // The report is the message: a trace of calls would lead into the runner, not to the script.
    if (result.verdict === 'fail')
      throw Object.assign(new Error(failureReport(result).join('\n')), { stack: undefined });
  });
}
