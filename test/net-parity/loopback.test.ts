// The parity suite against `synwave/net` as it is when nobody configures it: a loopback inside of this process.
import net from '../../src/net-module.js';
import { defineParitySuite } from './suite.js';

defineParitySuite('synwave/net', {
  server: net,
  client: net,
  address: '127.0.0.1',
  otherAddress: '127.0.0.2',
  clientAddress: '127.0.0.1',
  isOurs: true,
  isOneHost: true,
});
