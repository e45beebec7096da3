// A program that has a raw link open and an echo server on it, without any handling of signals: as a user's would be.
import { createStack, rawLink } from '../../src/index.js';

const [address = '', port = '0'] = process.argv.slice(2);
const link = await rawLink({ address, ports: [Number(port)] });
const stack = await createStack({ link, addresses: link.addresses });
stack.net
  .createServer((socket) => void socket.pipe(socket))
  .listen(Number(port), () => {
    process.stdout.write('ready\n');
  });
