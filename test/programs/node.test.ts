// The programs over `node:net` and the host's loopback: proves that the expectations are Node's.
import * as net from 'node:net';
import { describe } from 'node:test';
import { makeIdentity } from './identity.js';
import { defineScenarios } from './run-scenarios.js';

describe('node:net', () => {
  defineScenarios({ server: net, client: net, host: '127.0.0.1', identity: makeIdentity('127.0.0.1') });
});
