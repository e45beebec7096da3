// The same with fastify, which checks what comes and goes against schemas.
import { fastify } from 'fastify';

const app = fastify({ bodyLimit: 2_000_000, forceCloseConnections: true });
app.get('/', async (_request, reply) => reply.type('text/plain').send('fastify is here\n'));
app.get('/from', async (request) => ({ ip: request.ip, host: request.hostname }));
app.post(
  '/echo',
  {
    schema: {
      body: { type: 'object', required: ['words'], properties: { words: { type: 'array' } } },
    },
  },
  async (request) => ({ got: request.body }),
);
app.get<{ Params: { count: number } }>('/numbers/:count', async (request, reply) => {
  const count = Number(request.params.count);
  return reply.type('text/plain').send(Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
});

await app.listen({ port: Number(process.argv[2] ?? 0), host: '::' });
process.stdout.write(`${JSON.stringify(app.server.address())}\n`);
process.once('SIGTERM', () => void app.close());
