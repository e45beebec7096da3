// ICMP echo against the kernel's ping, over IPv4 and IPv6.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertJudged } from './judge.js';
import { Lab, obstacle, STACK, STACK_V6 } from './lab.js';

const skip = obstacle('ping', 'tshark');

for (const [family, address] of [
  ['IPv4', STACK],
  ['IPv6', STACK_V6],
] as const) {
  test(`ping: the stack answers every echo request over ${family}, large ones too`, { skip }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'ping.pcapng' });
    const small = await lab.run(['ping', '-c', '5', '-i', '0.2', '-W', '5', address]);
    assert.equal(small.status, 0, small.stderr);
    assert.match(small.stdout, /5 packets transmitted, 5 received, 0% packet loss/);
    const large = await lab.run([
      'ping',
      '-c',
      '2',
      '-i',
      '0.2',
      '-W',
      '5',
      '-s',
      '1400',
      '-p',
      'c3',
      address,
    ]);
    assert.match(large.stdout, /2 packets transmitted, 2 received, 0% packet loss/);
    assert.doesNotMatch(large.stdout, /wrong data byte/);
    await stack.close();
    await assertJudged(stack.capture!, { minFrames: 14 });
  });
}
