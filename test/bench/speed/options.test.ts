import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSpeedOptions } from './options.js';

test('without words everything is measured and the document written', () => {
  const options = readSpeedOptions([])!;
  assert.deepEqual(options, {
    quick: false,
    only: null,
    cases: null,
    kinds: null,
    micro: true,
    start: true,
    rounds: 3,
    seconds: 0.75,
    longSeconds: 60,
    profile: null,
    out: 'docs',
    realTime: false,
    render: null,
  });
});

test('--quick measures less and leaves the document as it is', () => {
  const { quick, micro, start, rounds, out } = readSpeedOptions(['--quick'])!;
  const less = { quick: true, micro: false, start: false, rounds: 2, out: null };
  assert.deepEqual({ quick, micro, start, rounds, out }, less);
  assert.equal(readSpeedOptions(['--quick', '--out', 'there'])!.out, 'there');
});

test('--only keeps to what it names, the suite of small functions and start-up among it', () => {
  const some = readSpeedOptions(['--only', 'recv,micro'])!;
  assert.deepEqual(some.only, ['recv']);
  assert.equal(some.micro, true);
  assert.equal(some.out, null);
  assert.deepEqual(readSpeedOptions(['--only=micro'])!.only, []);
  assert.equal(readSpeedOptions(['--only', 'ping'])!.micro, false);
  const starting = readSpeedOptions(['--only', 'start'])!;
  assert.deepEqual([starting.only, starting.start, starting.micro], [[], true, false]);
  assert.equal(readSpeedOptions(['--only', 'micro,ping'])!.start, false);
  assert.equal(readSpeedOptions(['--quick', '--only', 'start'])!.start, true);
});

test('--cases and --kinds keep to some of what is measured, and the document as it is', () => {
  const some = readSpeedOptions(['--cases', '^crr ×(1|50),', '--kinds', 'ours,node'])!;
  assert.ok(some.cases!.test('crr ×50, MTU 1500'));
  assert.deepEqual(some.kinds, ['ours', 'node']);
  assert.deepEqual([some.only, some.micro, some.start, some.out], [null, false, false, null]);
  assert.throws(
    () => readSpeedOptions(['--kinds', 'theirs']),
    /there is no "theirs"; there are ours register/,
  );
  assert.throws(() => readSpeedOptions(['--cases', '(']), /--cases: Invalid regular expression/);
});

test('--profile may stand alone or name a folder', () => {
  assert.equal(readSpeedOptions(['--profile'])!.profile, 'profiles');
  assert.equal(readSpeedOptions(['--profile', '--quick'])!.profile, 'profiles');
  assert.equal(readSpeedOptions(['--profile', 'there', '--quick'])!.profile, 'there');
});

test('words that make no sense are named', () => {
  assert.throws(
    () => readSpeedOptions(['--only', 'speed']),
    /there is no "speed"; there are recv .* start micro$/,
  );
  assert.throws(() => readSpeedOptions(['--rounds', '0']), /--rounds: "0" is no number/);
  assert.throws(() => readSpeedOptions(['--fast']), /--fast/);
  assert.equal(readSpeedOptions(['--help']), null);
});
