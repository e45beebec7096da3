// Snippets and commands of scripts: what is computed, what is understood, and that nothing is ever executed.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCode, type Value } from '../../src/drill/code.js';
import { CODE_CONSTANTS } from '../../src/drill/code-names.js';
import { meaningOf } from '../../src/drill/commands.js';
import { evaluate } from '../../src/drill/evaluate.js';
import { runScript } from '../../src/drill/index.js';
import { Unsupported } from '../../src/drill/outcome.js';

function computed(expression: string, names: Record<string, Value> = {}): Value {
  const [statement] = parseCode(`x = ${expression}`);
  assert.equal(statement?.kind, 'assign');
  return evaluate((statement as { value: Parameters<typeof evaluate>[0] }).value, (name) => {
    const value = names[name] ?? CODE_CONSTANTS.get(name);
    assert.notEqual(value, undefined, name);
    return value!;
  });
}

const VALUES: readonly (readonly [string, Value])[] = [
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['7 // 2', 3],
  ['-7 // 2', -4],
  ['-7 % 3', 2],
  ['7 / 2', 3.5],
  ['0x10 | 3', 19],
  ['6 & 3 ^ 1', 3],
  ['1 << 3 >> 1', 4],
  ['~0', -1],
  ['1 < 2 < 3', true],
  ['1 < 2 > 2', false],
  ['not 1 == 2', true],
  ['1 == 1 and 2 == 3 or 4 == 4', true],
  ['0 or 5', 5],
  ['3 and 4', 4],
  ['max(1, 2, 3) - min(4, 2)', 1],
  ['abs(-3)', 3],
  ['\'a\' + "b"', 'ab'],
  ['TCP_ESTABLISHED == TCPI_ESTABLISHED', true],
  ['cwnd >= 10', true],
];

for (const [expression, expected] of VALUES) {
  test(`${expression} is ${expected}`, () => {
    assert.equal(computed(expression, { cwnd: 10 }), expected);
  });
}

for (const snippet of [
  'import os',
  'for i in x: pass',
  'x = open("f")',
  'x = [1]',
  'x = a.b',
  'assert f(1)',
  'x = 1 if y else 2',
  '1 +',
]) {
  test(`"${snippet}" is not computed`, () => {
    assert.throws(() => parseCode(snippet), Unsupported);
  });
}

test('statements stand on lines or are parted by semicolons, with remarks', () => {
  const statements = parseCode(`
a = 1; b = 2  # two of them
assert (a
  == 1), "joined by parentheses"
print(a, b)`);
  assert.deepEqual(
    statements.map(({ kind }) => kind),
    ['assign', 'assign', 'assert', 'print'],
  );
});

test('commands: settings by every usual spelling', () => {
  const settings = (command: string) => {
    const meaning = meaningOf(command);
    assert.equal(meaning.kind, 'settings', command);
    return (meaning as { settings: unknown }).settings;
  };
  const sack = [{ name: 'net.ipv4.tcp_sack', value: '0' }];
  assert.deepEqual(settings('sysctl -w net.ipv4.tcp_sack=0'), sack);
  assert.deepEqual(settings('sysctl -q net.ipv4.tcp_sack=0 > /dev/null'), sack);
  assert.deepEqual(settings('/sbin/sysctl -w net/ipv4/tcp_sack=0'), sack);
  assert.deepEqual(settings('../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0'), sack);
  assert.deepEqual(settings('sysctl -w net.ipv4.tcp_rmem="4096 65535 65535"'), [
    { name: 'net.ipv4.tcp_rmem', value: '4096 65535 65535' },
  ]);
  assert.deepEqual(
    settings('../common/defaults.sh\n../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0'),
    sack,
  );
});

test('commands: counts, and those without effect', () => {
  assert.deepEqual(meaningOf('sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1'), {
    kind: 'count',
    state: 'TIME_WAIT',
    count: 1,
  });
  for (const command of [
    'sleep 0.1',
    'true',
    '../common/defaults.sh',
    'kldload -n tcp_rack',
    'true; sleep 1',
  ]) {
    assert.deepEqual(meaningOf(command), { kind: 'nothing' }, command);
  }
});

for (const command of [
  'rm -rf /',
  'sysctl -w a=1; rm x',
  'echo $(rm x) > y',
  'sysctl -w a=1 | sh',
  'true && ip link del eth0',
  'sleep 1 & rm x',
]) {
  test(`"${command}" is understood by nobody`, () => {
    assert.throws(() => meaningOf(command), Unsupported);
  });
}

test('no shell is started for a command, whatever it says: the script is skipped', async () => {
  const path = join(tmpdir(), `synwave-drill-${process.pid}`);
  for (const command of [`touch ${path}`, `true; touch ${path}`, `sysctl -w x=$(touch ${path})`]) {
    const result = await runScript(`0 \`${command}\`\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`);
    assert.equal(result.verdict, 'skip');
    assert.match(result.reason ?? '', /line 1: no shell runs here|means nothing to the stack/);
    assert.equal(existsSync(path), false);
  }
});
