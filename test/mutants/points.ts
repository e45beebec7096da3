// Where the compiled core can be broken, and how: the points of mutation in one JavaScript file. Nothing is changed here.
import { type AnyNode, type BinaryExpression, type Expression, type Node, type Program, parse } from 'acorn';

/** One way to break the code. */
export interface Mutant {
  /** What tells it from all others, also after lines above it were moved. */
  readonly key: string;
  /** File below `src/`, without its extension: `tcp/segment-arrives/ack`. */
  readonly file: string;
  /** Which rule of mutation made it. */
  readonly operator: Operator;
  /** The innermost named function around it, or `-` for code that runs when the file is loaded. */
  readonly scope: string;
  /** Offset of the node in the JavaScript text. */
  readonly at: number;
  /** What stands there, and what stands there instead; the latter empty where a statement is left out. */
  readonly from: string;
  readonly to: string;
}

/**
 * `guard`: an `if` that leaves its function, loop or case never does. `condition`: an `if`, `?:` or loop decides always the
 * same. `compare`: another comparison, at the boundary or opposite. `logic`: a part of `&&`, `||`, `??` or `!` is left out.
 * `arithmetic`: another operator. `number`: one more. `boolean`: the other one. `statement`: left out. `call`: the sister
 * function (Math.min for Math.max, seqLt for seqLeq).
 */
export type Operator =
  | 'guard'
  | 'condition'
  | 'compare'
  | 'logic'
  | 'arithmetic'
  | 'number'
  | 'boolean'
  | 'statement'
  | 'call';

/** A node of the tree and its mutants: expressions that replace it, or none, when the statement is left out. */
export interface Point {
  readonly node: Node;
  readonly mutants: readonly Mutant[];
  readonly isStatement: boolean;
}

const COMPARISONS: Record<string, readonly string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
};

const ARITHMETIC: Record<string, string> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '<<': '>>',
  '>>': '<<',
  '>>>': '<<',
  '&': '|',
  '|': '&',
  '^': '&',
};

const ASSIGNMENTS: Record<string, string> = {
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '|=': '&=',
  '&=': '|=',
  '^=': '&=',
  '<<=': '>>=',
  '>>=': '<<=',
  '>>>=': '<<=',
};

const SISTERS: Record<string, string> = {
  'Math.min': 'Math.max',
  'Math.max': 'Math.min',
  'Math.floor': 'Math.ceil',
  'Math.ceil': 'Math.floor',
  'Math.round': 'Math.floor',
  'Math.trunc': 'Math.ceil',
  seqLt: 'seqLeq',
  seqLeq: 'seqLt',
  seqGt: 'seqGeq',
  seqGeq: 'seqGt',
  seqMin: 'seqMax',
  seqMax: 'seqMin',
};

/** Expressions that fall apart when they become an operand. */
const LOOSE: ReadonlySet<string> = new Set([
  'ArrowFunctionExpression',
  'AssignmentExpression',
  'BinaryExpression',
  'ConditionalExpression',
  'LogicalExpression',
  'SequenceExpression',
  'UnaryExpression',
]);

/** Functions that a sister call needs; a file that does not import its sister cannot be broken so. */
type Known = (name: string) => boolean;

/** Finds every point of mutation. `file` names the text, see `Mutant.file`. */
export function findPoints(file: string, text: string): { program: Program; points: Point[] } {
  const program = parse(text, { ecmaVersion: 2022, sourceType: 'module' });
  const points: Point[] = [];
  const seen = new Map<string, number>();
  const knows: Known = (name) => name.startsWith('Math.') || new RegExp(`\\b${name}\\b`).test(text);

  const add = (node: AnyNode, scope: string, operator: Operator, replacements: readonly string[]) => {
    if (replacements.length === 0) return;
    const from = text.slice(node.start, node.end);
    const mutants = replacements.map((to): Mutant => {
      const name = `${file} ${scope}: ${operator} ${brief(from)} => ${to === '' ? 'nothing' : brief(to)}`;
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const key = count === 1 ? name : `${name} (${count})`;
      return { key, file, operator, scope, at: node.start, from, to };
    });
    points.push({ node, mutants, isStatement: replacements[0] === '' });
  };

  walk(program, { scope: '-', inFunction: false }, (node, { scope, inFunction }, parent, role) => {
    // The tree has no parentheses: what they held together must stay so.
    const source = (part: AnyNode) => {
      const there = text.slice(part.start, part.end);
      return LOOSE.has(part.type) ? `(${there})` : there;
    };
    switch (node.type) {
      case 'IfStatement':
        // A guard cannot be left out and the condition be forced to false: it is the same.
        add(node.test, scope, isGuard(node) ? 'guard' : 'condition', ['false']);
        if (!isGuard(node)) add(node.test, scope, 'condition', ['true']);
        break;
      case 'ConditionalExpression':
        add(node.test, scope, 'condition', ['true', 'false']);
        break;
      case 'WhileStatement':
        add(node.test, scope, 'condition', ['false']);
        break;
      case 'ForStatement':
        if (node.test) add(node.test, scope, 'condition', ['false']);
        break;
      case 'ExpressionStatement':
        if (!isLoneSuper(node.expression)) add(node, scope, 'statement', ['']);
        break;
      case 'BreakStatement':
      case 'ContinueStatement':
        add(node, scope, 'statement', ['']);
        break;
      case 'BinaryExpression':
        addBinary(node);
        break;
      case 'LogicalExpression':
        add(node, scope, 'logic', [source(node.left), source(node.right)]);
        break;
      case 'UnaryExpression':
        if (node.operator === '!') add(node, scope, 'logic', [`!!${source(node.argument)}`]);
        if (node.operator === '-' && node.argument.type !== 'Literal')
          add(node, scope, 'arithmetic', [source(node.argument)]);
        break;
      case 'UpdateExpression': {
        const other = node.operator === '++' ? '--' : '++';
        const target = source(node.argument);
        add(node, scope, 'arithmetic', [node.prefix ? other + target : target + other]);
        break;
      }
      case 'AssignmentExpression': {
        const other = ASSIGNMENTS[node.operator];
        if (other !== undefined)
          add(node, scope, 'arithmetic', [`${source(node.left)} ${other} ${source(node.right)}`]);
        break;
      }
      case 'Literal':
        if (isKey(parent, role)) break;
        // Outside of functions numbers are settings and offsets, of which one more is no mistake in the logic.
        if (typeof node.value === 'number' && inFunction)
          add(node, scope, 'number', [String(node.value + 1)]);
        if (typeof node.value === 'boolean') add(node, scope, 'boolean', [String(!node.value)]);
        break;
      case 'CallExpression': {
        const callee = source(node.callee);
        const sister = SISTERS[callee];
        if (sister !== undefined && knows(sister))
          add(node, scope, 'call', [sister + text.slice(node.callee.end, node.end)]);
        break;
      }
    }

    function addBinary(binary: BinaryExpression): void {
      const left = source(binary.left);
      const right = source(binary.right);
      const others = COMPARISONS[binary.operator];
      if (others !== undefined) {
        // `typeof x === 'undefined'` and the like compare words, of which there are just two outcomes.
        add(
          node,
          scope,
          'compare',
          others.map((operator) => `${left} ${operator} ${right}`),
        );
        return;
      }
      const other = ARITHMETIC[binary.operator];
      // A sum with a text is a sentence, no number.
      if (other === undefined || /^['"`]/.test(left) || /^['"`]/.test(right)) return;
      add(node, scope, 'arithmetic', [`${left} ${other} ${right}`]);
    }
  });
  return { program, points };
}

/** A text on one line, cut where it is long, so that it fits a report. */
function brief(text: string): string {
  const line = text
    .replace(/\/\*.*?\*\//gs, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= 90 ? line : `${line.slice(0, 60)}…${line.slice(-28)}`;
}

/** True for an `if` without `else` all of whose body leaves. */
function isGuard(node: { consequent: AnyNode; alternate?: AnyNode | null }): boolean {
  if (node.alternate) return false;
  const { consequent } = node;
  const last = consequent.type === 'BlockStatement' ? consequent.body.at(-1) : consequent;
  return ['ReturnStatement', 'ThrowStatement', 'ContinueStatement', 'BreakStatement'].includes(
    last?.type ?? '',
  );
}

function isLoneSuper(expression: Expression): boolean {
  return expression.type === 'CallExpression' && expression.callee.type === 'Super';
}

function isKey(parent: AnyNode | null, role: string): boolean {
  if (role === 'source') return true;
  return role === 'key' && parent !== null && 'computed' in parent && parent.computed === false;
}

/** Where a node stands. */
interface Place {
  readonly scope: string;
  readonly inFunction: boolean;
}

type Visit = (node: AnyNode, place: Place, parent: AnyNode | null, role: string) => void;

/** Visits the nodes in which something happens: no names, no enums, no messages of errors. */
function walk(node: AnyNode, place: Place, visit: Visit, parent: AnyNode | null = null, role = ''): void {
  if (isEnum(node) || isError(node)) return;
  const inner = {
    scope: scopeOf(node, place.scope, parent),
    inFunction: place.inFunction || /Function/.test(node.type),
  };
  visit(node, inner, parent, role);
  for (const { child, role } of children(node)) walk(child, inner, visit, node, role);
}

/** What `tsc` makes of an enum: its numbers are names. */
function isEnum(node: AnyNode): boolean {
  if (node.type !== 'ExpressionStatement' || node.expression.type !== 'CallExpression') return false;
  const { callee, arguments: given } = node.expression;
  return callee.type === 'FunctionExpression' && given[0]?.type === 'LogicalExpression';
}

/** What an error says is for people. */
function isError(node: AnyNode): boolean {
  return (
    node.type === 'NewExpression' && node.callee.type === 'Identifier' && node.callee.name.endsWith('Error')
  );
}

function scopeOf(node: AnyNode, scope: string, parent: AnyNode | null): string {
  if ((node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && node.id)
    return node.id.name;
  if (node.type === 'MethodDefinition' && node.key.type === 'Identifier') {
    return scope === '-' ? node.key.name : `${scope}.${node.key.name}`;
  }
  const isFunction = node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';
  if (isFunction && parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier')
    return parent.id.name;
  return scope;
}

/** The nodes directly below a node, in the order of the text, with the property that holds each. */
export function children(node: Node): { child: AnyNode; role: string }[] {
  const found: { child: AnyNode; role: string }[] = [];
  for (const [role, value] of Object.entries(node)) {
    // In `{ a = 1 }` the name is part of the value.
    if (role === 'key' && (node as AnyNode & { shorthand?: boolean }).shorthand === true) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && typeof one === 'object' && typeof one.type === 'string')
        found.push({ child: one, role });
    }
  }
  return found.sort((a, b) => a.child.start - b.child.start);
}
