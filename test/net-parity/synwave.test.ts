// The parity suite against the userspace stack: two stacks, joined by a link in memory.
import { after } from 'node:test';
import { memoryLinkPair } from '../../src/link/memory.js';
import { createNet } from '../../src/net/net.js';
import { Stack } from '../../src/stack/stack.js';
import type { NetModule } from './environment.js';
import { defineParitySuite } from './suite.js';

const [left, right] = memoryLinkPair();
const server = new Stack({ link: left, addresses: ['10.9.0.1/24', '10.9.0.3/24'] });
const client = new Stack({ link: right, addresses: ['10.9.0.2/24'] });

after(async () => {
  await client.close();
  await server.close();
});

defineParitySuite('synwave', {
  server: createNet(server) as unknown as NetModule,
  client: createNet(client) as unknown as NetModule,
  address: '10.9.0.1',
  otherAddress: '10.9.0.3',
  clientAddress: '10.9.0.2',
  isOurs: true,
});
