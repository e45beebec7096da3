// Runs the snippets of a script: assertions over TCP_INFO of the socket under test, and variables that live as long as it.
import { parseCode, type Value } from './code.js';
import { CODE_CONSTANTS } from './code-names.js';
import { applyBinary, evaluate, isTrue } from './evaluate.js';
import { Mismatch, Unsupported } from './outcome.js';
import type { Code } from './script.js';
import type { Subject } from './subject.js';
import type { Transcript } from './transcript.js';

/** The variables of one run. */
export class Snippets {
  private readonly variables = new Map<string, Value>();

  /** @throws Mismatch for an assertion that does not hold, Unsupported for what is not understood */
  async run(code: Code, subject: Subject, transcript: Transcript): Promise<void> {
    const statements = parseCode(code.text);
    const info = await subject.tcpInfo();
    const read: string[] = [];
    const lookup = (name: string): Value => {
      const value = this.variables.get(name) ?? CODE_CONSTANTS.get(name) ?? info?.get(name);
      if (value === undefined) throw new Unsupported(`a snippet asks for "${name}", which is not known here`);
      if (name.startsWith('tcpi_')) read.push(`${name} = ${value}`);
      return value;
    };
    for (const statement of statements) {
      if (statement.kind === 'assign') {
        const value = evaluate(statement.value, lookup);
        const { name, op } = statement;
        this.variables.set(name, op === '' ? value : applyBinary(op, lookup(name), value));
      } else if (statement.kind === 'print') {
        const said = statement.args.map((arg) => String(evaluate(arg, lookup)));
        transcript.add(subject.now(), `print: ${said.join(' ')}`);
      } else if (statement.kind === 'assert' && !isTrue(evaluate(statement.test, lookup))) {
        const message = statement.message === null ? '' : `: ${evaluate(statement.message, lookup)}`;
        const got = [...new Set(read)].join(', ') || 'it is false';
        throw new Mismatch(code.position.line, `the assertion does not hold${message}`, statement.text, got);
      }
    }
  }
}
