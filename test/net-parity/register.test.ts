// The parity suite against Node's own module with its TCP on the stack of the process, as `synwave/register` puts it.
import * as net from 'node:net';
import '../../src/register.js';
import { defineParitySuite } from './suite.js';

defineParitySuite('node:net on the stack', {
  server: net,
  client: net,
  address: '127.0.0.1',
  otherAddress: '127.0.0.2',
  clientAddress: '127.0.0.1',
  isOneHost: true,
});
