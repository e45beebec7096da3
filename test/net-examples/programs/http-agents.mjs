// After the documentation of node:http: agents, proxies, and how servers end.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

const textOf = async (stream) => {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
};
const server = http.createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify({ data: 'Hello World!', url: req.url, from: typeof req.socket.remotePort }));
});
await once(server.listen(8000, '127.0.0.1'), 'listening');
const answerOf = async (req) => textOf((await once(req, 'response'))[0]);

// A connection of its own, by `agent: false` and by `createConnection`.
console.log(await answerOf(http.get({ hostname: 'localhost', port: 8000, path: '/', agent: false })));
const made = [];
const createConnection = (options) => {
  made.push(options.port);
  return net.createConnection(options);
};
console.log(
  await answerOf(http.get({ host: '127.0.0.1', port: 8000, path: '/made', createConnection })),
  made,
);

// 'agentRemove' takes a socket out of the agent's hands.
const agent = new http.Agent({ keepAlive: true });
const removed = http.get({ host: '127.0.0.1', port: 8000, agent });
removed.on('socket', (socket) => socket.emit('agentRemove'));
await answerOf(removed);
await new Promise(setImmediate);
console.log('kept after agentRemove', Object.keys(agent.freeSockets).length);

// An agent that makes connections and names them in its own way.
class Counting extends http.Agent {
  count = 0;
  createConnection(options, callback) {
    this.count++;
    return super.createConnection(options, callback);
  }
  keepSocketAlive(socket) {
    console.log('kept alive');
    return super.keepSocketAlive(socket);
  }
  reuseSocket(socket, request) {
    super.reuseSocket(socket, request);
  }
}
const counting = new Counting({ keepAlive: true });
for (let i = 0; i < 3; i++) {
  await answerOf(http.get({ host: '127.0.0.1', port: 8000, agent: counting }));
  await new Promise(setImmediate);
}
console.log('made', counting.count, counting.getName({ host: 'localhost', port: 8000 }));

// A proxy for requests, chosen by the agent (Node 24.5).
const proxy = http.createServer(async (req, res) => {
  const forwarded = http.get(req.url, { agent: false });
  const [answer] = await once(forwarded, 'response');
  res.writeHead(answer.statusCode, { 'x-by': 'proxy' });
  answer.pipe(res);
});
await once(proxy.listen(8080, '127.0.0.1'), 'listening');
const proxied = new http.Agent({ proxyEnv: { HTTP_PROXY: 'http://127.0.0.1:8080' } });
const [through] = await once(http.get('http://127.0.0.1:8000/proxied', { agent: proxied }), 'response');
console.log('through', await textOf(through));
proxied.destroy();
proxy.close();
proxy.closeAllConnections();

// Servers end with their idle connections, or with all of them.
const idle = new http.Agent({ keepAlive: true });
await answerOf(http.get({ host: '127.0.0.1', port: 8000, agent: idle }));
server.close(() => console.log('server on port 8000 closed successfully'));
server.closeIdleConnections();
server.closeAllConnections();
await once(server, 'close');
const short = http.createServer((_req, res) => res.end('short'));
await once(short.listen(0, '127.0.0.1'), 'listening');
console.log(await answerOf(http.get({ host: '127.0.0.1', port: short.address().port, agent: false })));
await short[Symbol.asyncDispose]();
console.log('disposed', short.listening);
for (const each of [agent, counting, idle]) each.destroy();
