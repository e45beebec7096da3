// After the documentation of node:https. KEY and CERT hold a certificate for `localhost`.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import tls from 'node:tls';

const key = readFileSync(process.env.KEY);
const cert = readFileSync(process.env.CERT);
const textOf = async (stream) => {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
};

const server = https.createServer({ key, cert }, (req, res) => {
  res.writeHead(200);
  res.end(`hello world, ${req.method} over ${req.socket.encrypted ? 'TLS' : 'nothing'}\n`);
});
server.listen(8000);
await once(server, 'listening');

// https.get(), with the certificate's authority.
const [got] = await once(https.get('https://localhost:8000/', { ca: cert }), 'response');
console.log('statusCode:', got.statusCode, (await textOf(got)).trim());

// https.request() with an agent of its own.
const agent = new https.Agent({ keepAlive: true, ca: cert });
for (let i = 0; i < 2; i++) {
  const req = https.request({ hostname: 'localhost', port: 8000, path: '/', method: 'GET', agent });
  req.end();
  const [res] = await once(req, 'response');
  const { authorized } = res.socket;
  console.log((await textOf(res)).trim(), authorized);
  await new Promise(setImmediate);
}
agent.destroy();

// Pinning: the public key must be the one that is known.
const pin = createHash('sha256')
  .update(tls.createSecureContext({ cert }).context.getCertificate())
  .digest('base64');
const pinned = https.request({
  hostname: 'localhost',
  port: 8000,
  ca: cert,
  agent: false,
  checkServerIdentity(host, certificate) {
    const err = tls.checkServerIdentity(host, certificate);
    if (err) return err;
    const found = createHash('sha256').update(certificate.raw).digest('base64');
    if (found !== pin) return new Error('Certificate verification error: not the one that is pinned');
  },
});
pinned.end();
const [trusted] = await once(pinned, 'response');
console.log('pinned', trusted.statusCode);
await textOf(trusted);

// Without the authority it is refused.
const refused = https.get('https://localhost:8000/', { agent: false });
console.log((await once(refused, 'error'))[0].code);
server.close();
server.closeAllConnections();
