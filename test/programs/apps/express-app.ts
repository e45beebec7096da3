// A program of the everyday kind, which knows nothing of any stack but the system's: express.
import express from 'express';

const app = express();
app.use(express.json({ limit: '2mb' }));
app.get('/', (_request, response) => {
  response.send('express is here\n');
});
app.get('/from', (request, response) => {
  response.json({ ip: request.ip, host: request.hostname });
});
app.post('/echo', (request, response) => {
  response.json({ got: request.body as unknown });
});
app.get('/numbers/:count', (request, response) => {
  response.type('text/plain');
  const count = Number(request.params.count);
  let next = 0;
  const more = () => {
    while (next < count) if (!response.write(`${next++}\n`)) return void response.once('drain', more);
    response.end();
  };
  more();
});
app.use(express.static(import.meta.dirname));

const server = app.listen(Number(process.argv[2] ?? 0), () => {
  process.stdout.write(`${JSON.stringify(server.address())}\n`);
});
process.once('SIGTERM', () => server.close());
