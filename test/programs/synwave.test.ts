// The programs over the stack: between two stacks joined in memory, and over the loopback of `synwave/net`.
import { after, describe } from 'node:test';
import { defaultStack } from '../../src/default-stack.js';
import synwaveNet from '../../src/net-module.js';
import { joinStacks } from '../net/stack-pair.js';
import { makeIdentity } from './identity.js';
import type { NetModule } from './place.js';
import { defineScenarios } from './run-scenarios.js';
import { settled } from './settled.js';

const SERVER = '10.9.0.1';
const identity = makeIdentity(SERVER);

describe('two stacks', () => {
  const { server, client } = joinStacks([`${SERVER}/24`], ['10.9.0.2/24']);
  defineScenarios({
    server: server.net as unknown as NetModule,
    client: client.net as unknown as NetModule,
    host: SERVER,
    identity,
    settled: () => settled(server.stack, client.stack),
  });
});

describe('synwave/net, which talks to itself', () => {
  const net = synwaveNet as unknown as NetModule;
  const host = '127.0.0.1';
  defineScenarios({
    ...{ server: net, client: net, host, identity: makeIdentity(host) },
    settled: () => settled(defaultStack()),
  });
  after(() => defaultStack().close());
});
