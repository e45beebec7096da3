// `synwave/net`: what `node:net` is, on the stack of the process. Import it, or `require` it on Node 20.19 and newer.
import { defaultStack } from './default-stack.js';
import { createNet } from './net/net.js';

const net = createNet(defaultStack);

export default net;
// What `require` returns.
export { net as 'module.exports' };
export const {
  BlockList,
  BoundSocket,
  connect,
  createConnection,
  createServer,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  Server,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
  Socket,
  SocketAddress,
  Stream,
} = net;
