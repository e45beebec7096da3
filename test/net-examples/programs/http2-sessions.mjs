// After the documentation of node:http2: sessions. KEY and CERT hold a certificate for `localhost`.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';

const options = { key: readFileSync(process.env.KEY), cert: readFileSync(process.env.CERT) };
const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};

// ORIGIN and ALTSVC frames, by the option `origins` and by the session.
const server = http2.createSecureServer({
  ...options,
  origins: ['https://example.com', 'https://example.org'],
});
server.on('stream', (stream) => {
  stream.respond();
  stream.end('ok');
});
let serverSession;
server.on('session', (session) => {
  serverSession = session;
  // Set altsvc for an origin, and for one stream.
  session.altsvc('h2=":8000"', 'https://example.org:80');
  session.on('stream', (stream) => {
    if (stream.id === 1) session.altsvc('h2=":8001"', stream.id);
  });
  session.origin('https://example.net');
});
await once(server.listen(0), 'listening');
const client = http2.connect(`https://localhost:${server.address().port}`, { ca: options.cert });
const told = [];
const hasTold = new Promise((resolve) => {
  const note = (what) => {
    told.push(what);
    if (told.length === 4) resolve();
  };
  client.on('altsvc', (alt, origin, streamId) => note(`altsvc ${alt} ${origin} ${streamId}`));
  client.on('origin', (origins) => note(`origin ${origins.join()}`));
});
console.log(await textOf(client.request()));
await hasTold;
for (const each of told.sort()) console.log(each);
console.log('originSet', client.originSet.filter((origin) => origin.includes('example')).join());

// Windows, settings and who knows of them.
client.setLocalWindowSize(2 ** 20);
console.log('window', client.state.effectiveLocalWindowSize);
const acknowledged = once(client, 'localSettings');
client.settings({ enablePush: false, initialWindowSize: 100_000 });
console.log('pending', client.pendingSettingsAck);
console.log('localSettings', (await acknowledged)[0].initialWindowSize, client.remoteSettings.enablePush);

// GOAWAY with words; then the end.
const gone = once(client, 'goaway');
serverSession.goaway(http2.constants.NGHTTP2_NO_ERROR, 1, Buffer.from('some words'));
const [code, , words] = await gone;
console.log('goaway', code, String(words));
client.destroy();
serverSession.destroy();
console.log('closed', client.closed, client.destroyed);
server.close();

// A session that is idle too long, and a stream that nobody answers.
const silent = http2.createServer();
silent.on('stream', () => {});
silent.on('sessionError', () => {});
await once(silent.listen(0), 'listening');
const patient = http2.connect(`http://localhost:${silent.address().port}`);
await once(patient, 'connect');
const req = patient.request({ ':path': '/' });
const { NGHTTP2_CANCEL } = http2.constants;
// Cancel the stream if there's no activity.
req.setTimeout(50, () => req.close(NGHTTP2_CANCEL));
await once(req, 'close');
console.log('cancelled', req.rstCode === NGHTTP2_CANCEL);
patient.setTimeout(50);
await once(patient, 'timeout');
console.log('timeout of the session');
const controller = new AbortController();
const aborted = patient.request({ ':path': '/' }, { signal: controller.signal });
controller.abort();
console.log((await once(aborted, 'error'))[0].code);
patient.destroy();
silent.close();

// A session upon a socket that was accepted otherwise.
const shaken = net.createServer((socket) => {
  if (http2.performServerHandshake === undefined) {
    socket.destroy();
    return;
  }
  const session = http2.performServerHandshake(socket);
  session.on('stream', (stream) => {
    stream.respond();
    stream.end('by hand');
  });
});
await once(shaken.listen(0), 'listening');
if (http2.performServerHandshake !== undefined) {
  const hand = http2.connect(`http://localhost:${shaken.address().port}`);
  console.log(await textOf(hand.request()));
  hand.close();
  await once(hand, 'close');
} else {
  console.log('by hand');
}
shaken.close();

// Performance entries, and settings as bytes.
const types = [];
const obs = new PerformanceObserver((items) => {
  for (const { name, detail } of items.getEntries()) if (name === 'Http2Session') types.push(detail.type);
});
obs.observe({ entryTypes: ['http2'] });
const measured = http2.createServer((_req, res) => res.end('measured'));
await once(measured.listen(0), 'listening');
const measuring = http2.connect(`http://localhost:${measured.address().port}`);
console.log(await textOf(measuring.request()));
measuring.close();
await once(measuring, 'close');
measured.close();
await once(measured, 'close');
while (types.length < 2) await new Promise(setImmediate);
obs.disconnect();
console.log('Http2Session', types.sort().join());
const packed = http2.getPackedSettings({ enablePush: false });
console.log(packed.toString('base64'), http2.getUnpackedSettings(packed).enablePush);
console.log('default', http2.getDefaultSettings().maxFrameSize);
