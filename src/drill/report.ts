// Results for people and programs: the report of a failure, TAP lines.
import type { DrillResult } from './outcome.js';

/** Lines of the transcript shown above a failure. */
const SHOWN_LINES = 24;

/** What went wrong: place and reason, expected and got on two aligned lines, and what had happened until then. */
export function failureReport(result: DrillResult): string[] {
  const { failure } = result;
  if (failure === null) return [];
  const lines = [`${result.script}:${failure.line}: ${failure.message}`];
  if (failure.expected !== null) lines.push(`  expected  ${failure.expected}`);
  if (failure.got !== null) lines.push(`  got       ${failure.got}`);
  if (result.transcript.length > 0) {
    const left = result.transcript.length - SHOWN_LINES;
    lines.push('', 'so far:');
    if (left > 0) lines.push(`  … ${left} lines before`);
    lines.push(...result.transcript.slice(-SHOWN_LINES).map((line) => `  ${line}`));
  }
  if (result.ladder.length > 0) lines.push('', ...result.ladder.map((line) => `  ${line}`.trimEnd()));
  return lines;
}

/** One test point of TAP, version 14, with its diagnostics. */
export function tapLines(result: DrillResult, number: number): string[] {
  const { verdict, script, reason, failure } = result;
  const name = script.replace(/[\\#]/g, '\\$&');
  if (verdict === 'pass') return [`ok ${number} - ${name}`];
  if (verdict === 'skip') return [`ok ${number} - ${name} # SKIP ${(reason ?? '').replace(/\n/g, ' ')}`];
  const lines = [`not ok ${number} - ${name}`, '  ---'];
  if (failure !== null) {
    lines.push(`  message:  ${JSON.stringify(failure.message)}`, `  line:     ${failure.line}`);
    if (failure.expected !== null) lines.push(`  expected: ${JSON.stringify(failure.expected)}`);
    if (failure.got !== null) lines.push(`  got:      ${JSON.stringify(failure.got)}`);
  }
  lines.push('  report: |', ...failureReport(result).map((line) => `    ${line}`.trimEnd()), '  ...');
  return lines;
}
