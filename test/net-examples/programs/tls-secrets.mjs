// After the documentation of node:tls and node:https: identities and secrets. KEY, CERT and PFX (its passphrase is
// `sample`) hold a certificate for `localhost`.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

const key = readFileSync(process.env.KEY);
const cert = readFileSync(process.env.CERT);
const pfx = readFileSync(process.env.PFX);
const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};

// A server whose identity is a PFX, and a client that has one too.
const server = tls.createServer({ pfx, passphrase: 'sample', requestCert: true, ca: [cert] }, (socket) => {
  console.log('server connected', socket.authorized ? 'authorized' : 'unauthorized');
  socket.write('welcome!\n');
  socket.end();
});
const serverLines = [];
server.on('keylog', (line, tlsSocket) =>
  serverLines.push([line.toString().split(' ')[0], tlsSocket.encrypted]),
);
await once(server.listen(8000), 'listening');
const client = tls.connect({ port: 8000, host: 'localhost', pfx, passphrase: 'sample', ca: [cert] });
const lines = [];
client.on('keylog', (line) => lines.push(line.toString().split(' ')[0]));
const sessions = [];
client.on('session', (session) => sessions.push(session));
const text = await textOf(client);
console.log('pfx', client.authorized, text.trim());
console.log(
  'keylog',
  lines.includes('CLIENT_TRAFFIC_SECRET_0'),
  serverLines.length === lines.length,
  serverLines[0][1],
);
console.log('session', sessions.length > 0 && sessions[0] instanceof Buffer);

// Both ends derive the same bytes; what is known of the connection.
const exporting = once(server, 'secureConnection');
const exporter = tls.connect({ port: 8000, host: 'localhost', key, cert, ca: [cert] });
await once(exporter, 'secureConnect');
const [accepted] = await exporting;
const material = (socket) => socket.exportKeyingMaterial(128, 'client finished').toString('hex');
console.log('exportKeyingMaterial', material(exporter) === material(accepted));
console.log(exporter.getProtocol(), exporter.getCipher().version, exporter.getEphemeralKeyInfo().type);
console.log(
  'certificates',
  exporter.getX509Certificate ? 'known' : '',
  exporter.getPeerCertificate(true).subject.CN,
);
console.log('fragment', exporter.setMaxSendFragment(1024));
exporter.resume();
exporter.end();
await once(exporter, 'close');
server.close();

// Names have contexts of their own.
const named = tls.createServer({ key, cert }, (socket) => socket.end(String(socket.servername)));
named.addContext('*.example.com', tls.createSecureContext({ key, cert }));
await once(named.listen(8001), 'listening');
const other = tls.connect({
  port: 8001,
  host: 'localhost',
  servername: 'a.example.com',
  ca: cert,
  checkServerIdentity() {},
});
console.log('context of', await textOf(other));

// 'OCSPRequest', and what the client is told.
named.on('OCSPRequest', (certificate, _issuer, callback) =>
  callback(null, Buffer.from(`ocsp ${certificate.length > 0}`)),
);
const stapled = tls.connect({ port: 8001, host: 'localhost', ca: cert, requestOCSP: true });
const response = once(stapled, 'OCSPResponse');
await textOf(stapled);
console.log(String((await response)[0]));

// Tickets that several servers share.
const keys = named.getTicketKeys();
named.setTicketKeys(keys);
console.log('ticket keys', keys.length);

// TLS by its constructor, on a server's socket; and renegotiation, which TLS 1.2 has.
const byHand = net.createServer((socket) => {
  const secure = new tls.TLSSocket(socket, { isServer: true, key, cert, maxVersion: 'TLSv1.2' });
  secure.pipe(secure);
});
await once(byHand.listen(8002), 'listening');
const renegotiating = tls.connect({ port: 8002, host: 'localhost', ca: cert });
await once(renegotiating, 'secureConnect');
await new Promise((resolve, reject) => {
  renegotiating.renegotiate({ rejectUnauthorized: true }, (err) => (err ? reject(err) : resolve()));
});
renegotiating.end('negotiated again');
console.log(await textOf(renegotiating));
byHand.close();
named.close();

// https: a PFX, credentials in the URL, keys of an agent's connections.
const secured = https.createServer({ pfx, passphrase: 'sample' }, (req, res) => {
  res.writeHead(200);
  res.end(`hello world ${req.headers.authorization}`);
});
await once(secured.listen(8003), 'listening');
const agent = new https.Agent({ ca: cert });
const logged = [];
agent.on('keylog', (line, tlsSocket) => logged.push([line.length > 0, tlsSocket instanceof tls.TLSSocket]));
const url = new URL('https://abc:xyz@localhost:8003');
const [answer] = await once(https.get(url, { agent }), 'response');
console.log(await textOf(answer), logged.length > 0 && logged.every((each) => each.every(Boolean)));
agent.destroy();

// Client certificates, asked for by https.
const mutual = https.createServer({ key, cert, ca: cert, requestCert: true }, (req, res) => {
  res.end(`mutual ${req.socket.authorized} ${req.socket.getPeerCertificate().subject.CN}`);
});
await once(mutual.listen(8004), 'listening');
const identified = { key, cert, ca: cert, agent: new https.Agent({ key, cert, ca: cert }) };
console.log(await textOf((await once(https.get('https://localhost:8004/', identified), 'response'))[0]));
mutual.close();
secured.close();
secured.closeAllConnections();
mutual.closeAllConnections();

// What does not need a connection.
console.log(
  tls.getCiphers().includes('aes256-gcm-sha384'),
  tls.rootCertificates.length > 100,
  tls.DEFAULT_MAX_VERSION,
);
