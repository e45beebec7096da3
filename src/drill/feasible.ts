// Looks through a whole script for what cannot be played here, before anything is: a script is skipped, never half passed.
import { toSocketCall } from './calls.js';
import { parseCode } from './code.js';
import { CODE_CONSTANTS } from './code-names.js';
import { meaningOf } from './commands.js';
import { namesIn } from './evaluate.js';
import { Unsupported } from './outcome.js';
import { icmpNumbers } from './packet-builder.js';
import type { Action, Script } from './script.js';
import { TCP_INFO_NAMES } from './subject.js';

/**
 * The first reason for which a script cannot be played, with its line; null when there is none.
 * @param family of its packets
 */
export function obstacleIn(script: Script, family: 4 | 6): string | null {
  const variables = new Set<string>();
  const actions: { line: number; action: Action }[] = [
    ...script.init.map((action) => ({ line: action.position.line, action })),
    ...script.events.map(({ position, action }) => ({ line: position.line, action })),
    ...script.cleanup.map((action) => ({ line: action.position.line, action })),
  ];
  for (const { line, action } of actions) {
    try {
      check(action, family, variables);
    } catch (error) {
      if (error instanceof Unsupported) return `line ${line}: ${error.message}`;
      throw error;
    }
  }
  return null;
}

function check(action: Action, family: 4 | 6, variables: Set<string>): void {
  switch (action.kind) {
    case 'tcp':
    case 'other':
      if (action.unsupported !== null) throw new Unsupported(action.unsupported);
      break;
    case 'icmp':
      if (action.unsupported !== null) throw new Unsupported(action.unsupported);
      icmpNumbers(action, family);
      break;
    case 'call':
      toSocketCall(action);
      break;
    case 'command':
      meaningOf(action.text);
      break;
    case 'code':
      checkCode(action.text, variables);
      break;
  }
}

function checkCode(text: string, variables: Set<string>): void {
  for (const statement of parseCode(text)) {
    const { reads, writes } = namesIn([statement]);
    for (const name of reads) {
      if (variables.has(name) || CODE_CONSTANTS.has(name) || TCP_INFO_NAMES.has(name)) continue;
      throw new Unsupported(`a snippet asks for "${name}", which is not known here`);
    }
    for (const name of writes) variables.add(name);
  }
}
