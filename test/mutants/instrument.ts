// Writes all mutants of a file into it at once: each stands behind a switch, `$on(number)`, and one at most is on. So the
// code is loaded once and a mutant costs no more than the tests that meet it.
import type { Node, Program } from 'acorn';
import { children, type Point } from './points.js';

/**
 * The text with every mutant behind its switch.
 * @param first number of the first mutant of this file; the others follow in the order of `points`
 * @param switchModule where `$on` is imported from
 */
export function instrument(
  text: string,
  program: Program,
  points: readonly Point[],
  first: number,
  switchModule: string,
): string {
  const at = new Map<Node, { point: Point; first: number }[]>();
  let next = first;
  for (const point of points) {
    const there = at.get(point.node);
    if (there === undefined) at.set(point.node, [{ point, first: next }]);
    else there.push({ point, first: next });
    next += point.mutants.length;
  }

  function emit(node: Node): string {
    let code = '';
    let from = node.start;
    let previous: Node | null = null;
    for (const { child } of children(node)) {
      // `{ a }` is one identifier in the role of key and of value.
      if (previous !== null && child.start < previous.end) continue;
      code += text.slice(from, child.start) + emit(child);
      from = child.end;
      previous = child;
    }
    code += text.slice(from, node.end);
    for (const { point, first } of at.get(node) ?? []) code = behindSwitches(code, point, first);
    return code;
  }

  const body = emit(program);
  const head = text.slice(0, program.start);
  return `import { $on } from '${switchModule}';${head}${body}${text.slice(program.end)}`;
}

function behindSwitches(code: string, point: Point, first: number): string {
  if (point.isStatement) return `{if(!$on(${first})){${code}}}`;
  let chain = `(${code})`;
  for (const [i, mutant] of point.mutants.entries()) chain = `$on(${first + i})?(${mutant.to}):${chain}`;
  return `(${chain})`;
}
