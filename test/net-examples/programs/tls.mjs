// After the documentation of node:tls. KEY and CERT hold a certificate for `localhost`.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

const key = readFileSync(process.env.KEY);
const cert = readFileSync(process.env.CERT);
const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};

// An echo server that asks for a certificate, and its client.
const server = tls.createServer({ key, cert, requestCert: true, ca: [cert] }, (socket) => {
  console.log('server connected', socket.authorized ? 'authorized' : 'unauthorized');
  socket.write('welcome!\n');
  socket.setEncoding('utf8');
  socket.pipe(socket);
});
server.listen(8000, () => console.log('server bound'));
await once(server, 'listening');
const socket = tls.connect({ port: 8000, host: 'localhost', key, cert, ca: [cert] }, () => {
  console.log('client connected', socket.authorized ? 'authorized' : 'unauthorized');
  socket.end('mine');
});
console.log(JSON.stringify(await textOf(socket)));
server.close();
await once(server, 'close');

// ALPN, SNI, and what is known of the peer.
const named = tls.createServer({
  key,
  cert,
  ALPNProtocols: ['http/1.1', 'mine/1'],
  SNICallback: (name, callback) => callback(null, tls.createSecureContext({ key, cert, name })),
});
named.on('secureConnection', (each) => {
  each.end(`${each.alpnProtocol} ${each.servername}`);
});
await once(named.listen(8001), 'listening');
const asking = tls.connect({ port: 8001, host: 'localhost', ca: cert, ALPNProtocols: ['mine/1'] });
await once(asking, 'secureConnect');
console.log(
  asking.alpnProtocol,
  asking.getPeerCertificate().subject.CN,
  asking.getProtocol(),
  asking.encrypted,
);
console.log(await textOf(asking));

// A session that is resumed.
const sessionOf = async (options) => {
  const each = tls.connect({ port: 8001, host: 'localhost', ca: cert, maxVersion: 'TLSv1.2', ...options });
  await once(each, 'secureConnect');
  const reused = each.isSessionReused();
  const session = each.getSession();
  each.resume();
  await once(each, 'close');
  return [reused, session];
};
const [fresh, session] = await sessionOf({});
const [reused] = await sessionOf({ session });
console.log('session reused', fresh, reused);

// 'newSession' and 'resumeSession': sessions that the server keeps by itself.
const tlsSessionStore = {};
let resumptions = 0;
const storing = tls.createServer({
  key,
  cert,
  maxVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_TICKET,
});
storing.on('newSession', (id, data, cb) => {
  tlsSessionStore[id.toString('hex')] = data;
  cb();
});
storing.on('resumeSession', (id, cb) => {
  resumptions++;
  cb(null, tlsSessionStore[id.toString('hex')] || null);
});
storing.on('secureConnection', (each) => each.end());
await once(storing.listen(8003), 'listening');
const [, stored] = await sessionOf({ port: 8003 });
const [resumed] = await sessionOf({ port: 8003, session: stored });
console.log('sessions', Object.keys(tlsSessionStore).length, resumptions, resumed);
storing.close();

// TLS over a socket that is there already.
const raw = net.connect(8001, 'localhost');
await once(raw, 'connect');
const over = tls.connect({ socket: raw, servername: 'localhost', ca: cert });
await once(over, 'secureConnect');
console.log('over a socket', over.authorized, await textOf(over));

// Who is not trusted learns why; who speaks no TLS is a tlsClientError.
const strange = tls.connect({ port: 8001, host: 'localhost' });
console.log((await once(strange, 'error'))[0].code);
const clientError = new Promise((resolve) => {
  named.on('tlsClientError', (err) => err.code !== 'ECONNRESET' && resolve(err.code));
});
const plain = net.connect(8001, 'localhost', () => plain.write('GET / HTTP/1.0\r\n\r\n'));
plain.on('error', () => {}).resume();
console.log(await clientError);
named.close();

// Pre-shared keys.
const psk = Buffer.from('d731ef57be09e5204f0b205b60627028', 'hex');
const ciphers = 'PSK-AES128-GCM-SHA256';
const sharing = tls.createServer({
  ciphers,
  maxVersion: 'TLSv1.2',
  pskCallback: (_socket, identity) => (identity === 'me' ? psk : null),
});
sharing.on('secureConnection', (each) => each.end('a shared secret'));
await once(sharing.listen(8002), 'listening');
const sharer = tls.connect({
  port: 8002,
  host: 'localhost',
  ciphers,
  maxVersion: 'TLSv1.2',
  checkServerIdentity: () => undefined,
  pskCallback: () => ({ psk, identity: 'me' }),
});
console.log(await textOf(sharer));
sharing.close();
