// Checks of the programs around the stack. None is needed to run it; each absence costs something that is named.
import { run } from '../command.js';
import type { Check, Finding } from './check.js';

interface Tool {
  readonly name: string;
  readonly argv: readonly string[];
  readonly loss: string;
  readonly install: string;
}

const TOOLS: readonly Tool[] = [
  {
    name: 'tshark',
    argv: ['tshark', '--version'],
    loss: 'Captures are written but not judged, and the tests skip that part.',
    install: 'apt-get install tshark',
  },
  {
    name: 'curl',
    argv: ['curl', '--version'],
    loss: 'The demo and the tests fetch with it.',
    install: 'apt-get install curl',
  },
  {
    name: 'ss',
    argv: ['ss', '-V'],
    loss: "The kernel's states cannot be read.",
    install: 'apt-get install iproute2',
  },
  {
    name: 'ping',
    argv: ['ping', '-V'],
    loss: 'The tests of ICMP echo skip.',
    install: 'apt-get install iputils-ping',
  },
  {
    name: 'tcpdump',
    argv: ['tcpdump', '--version'],
    loss: 'Nothing looks at the wire beside the stack itself.',
    install: 'apt-get install tcpdump',
  },
  {
    name: 'python3',
    argv: ['python3', '--version'],
    loss: 'node-gyp needs it to compile the native binding and the optional packages.',
    install: 'apt-get install python3',
  },
  {
    name: 'nsenter',
    argv: ['nsenter', '--version'],
    loss: '`synwave sh` cannot enter a namespace.',
    install: 'apt-get install util-linux',
  },
];

/** Those of the list above. */
export const tools: Check = () => TOOLS.map(findingOf);

/** The checks that `tools` makes, by name. */
export const TOOL_NAMES: readonly string[] = TOOLS.map(({ name }) => name);

function findingOf(tool: Tool): Finding {
  const result = run(tool.argv);
  const line = `${result.stdout}${result.stderr}`.split('\n')[0]!.trim();
  if (result.status === 0) return { check: tool.name, verdict: 'ok', found: line };
  return {
    check: tool.name,
    verdict: tool.name === 'nsenter' ? 'FAIL' : 'warn',
    found: `${tool.name} not found`,
    meaning: tool.loss,
    remedy: tool.install,
  };
}

/** Which netcat this is: only OpenBSD's half-closes with -N. */
export const netcat: Check = () => {
  const check = 'nc';
  const help = run(['nc', '-h']);
  if (help.status === -1) {
    return {
      check,
      verdict: 'warn',
      found: 'nc not found',
      meaning: 'The demo and the tests talk to the stack with it.',
      remedy: 'apt-get install netcat-openbsd, or use `synwave connect` and `synwave listen`',
    };
  }
  const text = `${help.stdout}${help.stderr}`;
  const flavour = /OpenBSD[^\n]*/.exec(text)?.[0];
  if (flavour !== undefined) return { check, verdict: 'ok', found: flavour };
  return {
    check,
    verdict: 'warn',
    found: text.split('\n')[0]!.trim() || 'an unknown nc',
    meaning: 'This nc has no -N, which half-closes at the end of its input.',
    remedy: 'apt-get install netcat-openbsd, or use `synwave connect -N`',
  };
};
