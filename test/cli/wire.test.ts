// The words of `synwave wire`: which devices and namespaces they mean, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliFailure } from '../../src/cli/failure.js';
import { GENERAL_OPTIONS, parseWords } from '../../src/cli/options.js';
import { wire } from '../../src/cli/wire.js';
import { readEnds, readMtu, wayInto } from '../../src/cli/wire-ends.js';

const valuesOf = (...words: string[]) => parseWords('wire', words, GENERAL_OPTIONS, wire.options).values;
const endsOf = (...words: string[]) => readEnds(valuesOf(...words));

function refused(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof CliFailure && error.exitCode === 2);
    assert.match(`${error.message} -> ${error.remedy}`, message);
    return true;
  });
}

test('without words: two namespaces named after the process, a device and an address in each', () => {
  const own = `synwave-${process.pid}`;
  assert.deepEqual(endsOf(), {
    left: { side: 'left', device: 'wire0', netns: `${own}-left`, addresses: ['10.9.0.1/24'] },
    right: { side: 'right', device: 'wire0', netns: `${own}-right`, addresses: ['10.9.0.2/24'] },
  });
  assert.deepEqual(readMtu(valuesOf()), undefined);
});

test('--netns names both, NAME@NETNS one; addresses are taken as given, and none is given to the host', () => {
  const { left, right } = endsOf(
    '--netns',
    'lab',
    '--left',
    'a',
    '--right',
    'b@mine',
    '--left-addr',
    'fd00::1',
  );
  assert.deepEqual([left.device, left.netns, left.addresses], ['a', 'lab-left', ['fd00::1/64']]);
  assert.deepEqual([right.device, right.netns, right.addresses], ['b', 'mine', ['10.9.0.2/24']]);
  const host = endsOf('--netns', 'host', '--left', 'a@host', '--right', 'b@mine').left;
  assert.deepEqual([host.netns, host.addresses], ['host', []]);
  const both = endsOf('--right-addr', '10.1.0.1/16', '--right-addr', 'fd01::1/48').right.addresses;
  assert.deepEqual(both, ['10.1.0.1/16', 'fd01::1/48']);
});

test('the way into a namespace: `ip netns exec`, or nothing for the current one', () => {
  assert.equal(wayInto('lab-left'), 'ip netns exec lab-left ');
  assert.equal(wayInto('host'), '');
});

test('what makes no sense is refused with a remedy', () => {
  refused(() => endsOf('--left', 'a@one', '--right', 'b@one'), /talks to itself[\s\S]*-> give them two/);
  refused(() => endsOf('--netns', 'host'), /a namespace for each end -> .*--left NAME@host/);
  refused(() => endsOf('--left', 'a name'), /--left: "a name"/);
  refused(() => endsOf('--left', 'sixteen-letters0'), /at most 15/);
  refused(() => endsOf('--left', 'a@'), /--left: ""/);
  refused(() => endsOf('--right-addr', '10.9.0.300'), /--right-addr: "10.9.0.300"/);
  refused(() => readMtu(valuesOf('--mtu', '100')), /--mtu/);
  refused(() => valuesOf('--addr', '10.9.0.2'), /--addr/);
});
