// Two stacks joined in memory, each with its `net`: the world of the tests that need real TCP.
import { after } from 'node:test';
import { memoryLinkPair } from '../../src/link/memory.js';
import { createNet, type Net } from '../../src/net/net.js';
import { Stack } from '../../src/stack/stack.js';

/** One end. */
export interface End {
  readonly stack: Stack;
  readonly net: Net;
}

/** Makes two ends; they are closed after the tests of the file or suite. */
export function joinStacks(
  serverAddresses: string[],
  clientAddresses: string[],
): { server: End; client: End } {
  const [left, right] = memoryLinkPair();
  const ends = [
    new Stack({ link: left, addresses: serverAddresses }),
    new Stack({ link: right, addresses: clientAddresses }),
  ].map((stack) => ({ stack, net: createNet(stack) }));
  after(async () => {
    for (const { stack } of ends) await stack.close();
  });
  return { server: ends[0]!, client: ends[1]! };
}
