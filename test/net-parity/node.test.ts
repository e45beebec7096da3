// The parity suite against the original, over the host's loopback: proves that the expectations are Node's.
import * as net from 'node:net';
import { defineParitySuite } from './suite.js';

defineParitySuite('node:net', {
  server: net,
  client: net,
  address: '127.0.0.1',
  otherAddress: '127.0.0.2',
  clientAddress: '127.0.0.1',
  isOneHost: true,
});
