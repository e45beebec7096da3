// Writes a file so that it tells which of its mutants would change anything, without breaking it: see `watch.ts`.
import type { AnyNode, AssignmentExpression, LogicalExpression, Node, Program } from 'acorn';
import { children, type Mutant, type Point } from './points.js';
import type { Purity } from './purity.js';

interface Numbered {
  readonly number: number;
  readonly mutant: Mutant;
  readonly node: Node;
}

/** The text with its mutants watched; the parameters are those of `instrument`. */
export function watched(
  text: string,
  program: Program,
  points: readonly Point[],
  first: number,
  watchModule: string,
  purity: Purity,
): string {
  const at = new Map<Node, Numbered[]>();
  let next = first;
  for (const { node, mutants } of points) {
    const there = at.get(node) ?? [];
    at.set(node, there);
    for (const mutant of mutants) there.push({ number: next++, mutant, node });
  }

  const source = (node: Node) => text.slice(node.start, node.end);

  function within(node: Node): Numbered[] {
    return [...(at.get(node) ?? []), ...children(node).flatMap(({ child }) => within(child))];
  }

  /** `isTest`: it only matters whether the expression holds. */
  function emit(node: AnyNode, isTest: boolean): string {
    const here = at.get(node) ?? [];
    if (purity.isPure(node)) {
      const all = within(node);
      return all.length === 0 ? source(node) : watch(all, isTest, source(node), variants(all, node));
    }
    const hole = holeOf(node);
    if (hole !== null) {
      const inside = new Set(within(hole).map((one) => one.number));
      const all = within(node).filter(({ number }) => !inside.has(number) && !isForced(number, here));
      if (all.length > 0) {
        const start = `${text.slice(node.start, hole.start)}$h${text.slice(hole.end, node.end)}`;
        const value = `($h=>${watch(all, isTest, start, variants(all, node, hole))})(${emit(hole, false)})`;
        return met(
          here.filter(({ number }) => isForced(number, here)),
          value,
        );
      }
    }
    return effectful(node, here);
  }

  /** A call that is left out with the rest of the condition is missed in any case. */
  function isForced(number: number, here: readonly Numbered[]): boolean {
    return here.some((one) => one.number === number && /^(true|false)$/.test(one.mutant.to));
  }

  function watch(all: Numbered[], isTest: boolean, value: string, mutated: string): string {
    const name = isTest ? '$watchTruth' : '$watch';
    return `${name}([${all.map((one) => one.number)}],(${value}),${mutated})`;
  }

  function variants(all: readonly Numbered[], whole: Node, hole: Node | null = null): string {
    let chain = '0';
    for (const { number, mutant, node } of [...all].reverse()) {
      let { to } = mutant;
      // What the mutant takes over of the original holds the call as well.
      if (hole !== null && node.start <= hole.start && hole.end <= node.end)
        to = to.includes(source(hole)) ? to.replace(source(hole), () => '$h') : '{}';
      let before = text.slice(whole.start, node.start);
      let after = text.slice(node.end, whole.end);
      if (hole !== null && hole.end <= node.start)
        before = `${text.slice(whole.start, hole.start)}$h${text.slice(hole.end, node.start)}`;
      if (hole !== null && node.end <= hole.start)
        after = `${text.slice(node.end, hole.start)}$h${text.slice(hole.end, whole.end)}`;
      chain = `$m===${number}?(${before}(${to})${after}):${chain}`;
    }
    return `$m=>${chain}`;
  }

  /** The part with effects that is evaluated first and in any case, when all that follows is pure. */
  function holeOf(node: AnyNode): AnyNode | null {
    if (node.type === 'BinaryExpression')
      return purity.isPure(node.right) ? into(node.left as AnyNode) : null;
    if (node.type === 'UnaryExpression' && node.operator !== 'delete') return into(node.argument);
    return null;
  }

  function into(node: AnyNode): AnyNode {
    return holeOf(node) ?? node;
  }

  function effectful(node: AnyNode, here: readonly Numbered[]): string {
    if (node.type === 'ExpressionStatement' && here.length > 0) {
      const [left] = here;
      const written = node.expression;
      const inner = emit(written, false);
      if (written.type === 'AssignmentExpression' && isPlain(written)) {
        const to = written.operator === '=' ? source(written.right) : outcome(written);
        return `{$differs(${left!.number},()=>(${source(written.left)}),()=>(${to}));${inner};}`;
      }
      return `{$met(${left!.number});${inner};}`;
    }
    if (node.type === 'AssignmentExpression' && here.length > 0 && isPlain(node)) {
      const [other] = here;
      const operator = /(\S+=)/.exec(other!.mutant.to.slice(source(node.left).length))![1]!;
      const to = `(${source(node.left)}) ${operator.slice(0, -1)} (${source(node.right)})`;
      return `($differs(${other!.number},()=>(${outcome(node)}),()=>(${to})),${inside(node)})`;
    }
    if (node.type === 'LogicalExpression' && here.length > 0) return logical(node, here);
    return met(here, inside(node));
  }

  /** An assignment that can be computed again. */
  function isPlain(node: AssignmentExpression): boolean {
    return (
      ['Identifier', 'MemberExpression'].includes(node.left.type) &&
      purity.isPure(node.left as AnyNode) &&
      purity.isPure(node.right)
    );
  }

  /** What `x += y` comes to. */
  function outcome(node: AssignmentExpression): string {
    return `(${source(node.left)}) ${node.operator.slice(0, -1)} (${source(node.right)})`;
  }

  function logical(node: LogicalExpression, here: readonly Numbered[]): string {
    const never = node.operator === '&&' ? 'false' : 'true';
    const forced = here.filter((one) => isForced(one.number, here) && one.mutant.to !== never);
    const asLeft = here.filter((one) => one.mutant.to === never).map((one) => one.number);
    const parts = here.filter((one) => one.mutant.operator === 'logic');
    const left = emit(node.left, false);
    const right = emit(node.right, false);
    if (parts.length !== 2 || node.operator === '??' || !purity.isPure(node.left))
      return met(here, `(${left})${node.operator}(${right})`);
    const tap = node.operator === '&&' ? '$and' : '$or';
    const [keepsLeft, keepsRight] = parts;
    const code = `${tap}([${[keepsLeft!.number, ...asLeft]}],${keepsRight!.number},(${left}))${node.operator}(${right})`;
    return met(forced, `(${code})`);
  }

  function met(here: readonly Numbered[], code: string): string {
    if (here.length === 0) return code;
    const calls = here.map((one) => `$met(${one.number})`);
    return here[0]!.mutant.to === '' ? `{${calls};${code}}` : `(${calls},${code})`;
  }

  /** The node with its parts emitted. */
  function inside(node: AnyNode): string {
    let code = '';
    let from = node.start;
    let previous: Node | null = null;
    for (const { child, role } of children(node)) {
      if (previous !== null && child.start < previous.end) continue;
      const target = role === 'left' && node.type === 'AssignmentExpression';
      const untouched =
        target || (role === 'argument' && node.type === 'UpdateExpression') || isCallee(node, child);
      code += text.slice(from, child.start);
      code += untouched ? inTarget(child) : emit(child, isTestOf(node, role));
      from = child.end;
      previous = child;
    }
    return code + text.slice(from, node.end);
  }

  /** What is assigned to or called must stay what it is; its parts need not. */
  function inTarget(node: AnyNode): string {
    return ['MemberExpression', 'ChainExpression'].includes(node.type) ? inside(node) : source(node);
  }

  function isCallee(node: AnyNode, child: Node): boolean {
    return node.type === 'CallExpression' && node.callee === child;
  }

  const body = inside(program as AnyNode);
  const head = text.slice(0, program.start);
  return `import { $met, $watch, $watchTruth, $and, $or, $differs } from '${watchModule}';${head}${body}${text.slice(program.end)}`;
}

function isTestOf(parent: AnyNode, role: string): boolean {
  return (
    (role === 'test' && parent.type !== 'SwitchCase') ||
    (parent.type === 'UnaryExpression' && parent.operator === '!')
  );
}
