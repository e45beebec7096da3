// The programs over `node:net` itself, put onto the loopback of the stack by `synwave/register`.
import '../../src/register.js';
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { after, describe } from 'node:test';
import { stack } from '../../src/register.js';
import { makeIdentity } from './identity.js';
import { defineScenarios } from './run-scenarios.js';
import { settled } from './settled.js';

describe('node:net on the stack', () => {
  const host = '127.0.0.1';
  defineScenarios({
    ...{ server: net, client: net, host, identity: makeIdentity(host) },
    settled: () => settled(stack.core),
  });
  after(async () => {
    await stack.close();
    assert.notEqual(stack.stats.tcp.passiveOpens, 0, 'it was the kernel that did the work');
  });
});
