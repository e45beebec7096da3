// Which expressions of the compiled core can be evaluated a second time without anybody noticing. A call counts only where
// every function of that name was read and changes nothing but variables of its own.
import type { AnyNode, FunctionDeclaration, Node } from 'acorn';
import { children } from './points.js';

/** Bitwise, arithmetic and the like on values that are there. */
const TRANSPARENT: ReadonlySet<string> = new Set([
  'BinaryExpression',
  'ChainExpression',
  'ConditionalExpression',
  'Identifier',
  'Literal',
  'LogicalExpression',
  'MemberExpression',
  'ThisExpression',
]);

/** What changes something, makes something new, or waits. */
const EFFECTS: ReadonlySet<string> = new Set([
  'ArrowFunctionExpression',
  'AwaitExpression',
  'FunctionExpression',
  'NewExpression',
  'SpreadElement',
  'ThrowStatement',
  'YieldExpression',
]);

/** The functions that were read, and what is known of expressions by them. */
export class Purity {
  private readonly bodies = new Map<string, Node[]>();
  private readonly impure = new Set<string>();

  /** @param programs every file that may define a function that is called */
  constructor(programs: readonly Node[]) {
    for (const program of programs) this.collect(program as AnyNode);
    for (let changed = true; changed; ) {
      changed = false;
      for (const [name, bodies] of this.bodies) {
        if (this.impure.has(name) || bodies.every((body) => this.keepsToItself(body))) continue;
        this.impure.add(name);
        changed = true;
      }
    }
  }

  private collect(node: AnyNode): void {
    if (node.type === 'FunctionDeclaration' && node.id) this.define(node.id.name, node);
    if (node.type === 'MethodDefinition' && node.key.type === 'Identifier')
      this.define(node.key.name, node.value);
    if (
      node.type === 'VariableDeclarator' &&
      node.id.type === 'Identifier' &&
      node.init?.type === 'ArrowFunctionExpression'
    )
      this.define(node.id.name, node.init);
    for (const { child } of children(node)) this.collect(child);
  }

  private define(name: string, body: Node): void {
    this.bodies.set(name, [...(this.bodies.get(name) ?? []), body]);
  }

  /** True when the expression only looks. */
  isPure(node: AnyNode): boolean {
    if (node.type === 'CallExpression')
      return this.isPureCallee(node.callee as AnyNode) && node.arguments.every((one) => this.isPure(one));
    if (node.type === 'UnaryExpression') return node.operator !== 'delete' && this.isPure(node.argument);
    return TRANSPARENT.has(node.type) && children(node).every(({ child }) => this.isPure(child));
  }

  private isPureCallee(callee: AnyNode): boolean {
    if (callee.type === 'Identifier') return this.isKnown(callee.name);
    if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier')
      return false;
    if (callee.object.type === 'Identifier' && callee.object.name === 'Math')
      return callee.property.name !== 'random';
    return this.isPure(callee.object as AnyNode) && this.isKnown(callee.property.name);
  }

  private isKnown(name: string): boolean {
    return this.bodies.has(name) && !this.impure.has(name);
  }

  /** True for a function that changes only its own variables. */
  private keepsToItself(declared: Node): boolean {
    const { params } = declared as FunctionDeclaration;
    const own = new Set(params.flatMap((one) => (one.type === 'Identifier' ? [one.name] : [])));
    const visit = (node: AnyNode): boolean => {
      if (node !== declared && EFFECTS.has(node.type)) return false;
      if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') own.add(node.id.name);
      if (node.type === 'AssignmentExpression' && !isOwn(node.left as AnyNode)) return false;
      if (node.type === 'UpdateExpression' && !isOwn(node.argument as AnyNode)) return false;
      if (node.type === 'CallExpression' && !this.isPureCallee(node.callee as AnyNode)) return false;
      return children(node).every(({ child }) => visit(child));
    };
    const isOwn = (target: AnyNode) => target.type === 'Identifier' && own.has(target.name);
    return visit(declared as AnyNode);
  }
}
