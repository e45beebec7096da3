// Log and ladder over two real connections: the inferred state of the other end is held against the state that it
// really had, and the log's path against the ladder's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createStack } from '../../src/create-stack.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { displayWidth } from '../../src/observe/display-width.js';
import { type LadderTrace, ladderTrace } from '../../src/observe/ladder.js';
import { createLogger } from '../../src/observe/logger.js';
import { pinoTrace } from '../../src/observe/pino.js';
import { TraceHub } from '../../src/observe/trace-hub.js';
import { FIN, SYN } from '../../src/wire/segment.js';
import { Pair, type Path, type SideOptions } from '../tcp/pair.js';

interface Watched {
  ladder: LadderTrace;
  records: { ev: string; from: string; to: string }[];
}

/** Puts ladder and log on one side of a pair, before it opens. */
function watch(side: Pair['a']): Watched {
  const records: Watched['records'] = [];
  const write = (line: string) => void records.push(JSON.parse(line) as Watched['records'][number]);
  const ladder = ladderTrace({ teaching: true });
  const log = pinoTrace({ logger: createLogger({ destination: { write }, level: 'trace' }) });
  (side as { recorder: unknown }).recorder = new TraceHub([ladder, log]).current;
  return { ladder, records };
}

/** The path of one side as its log tells it, CLOSED and LISTEN left out: nobody can see them from outside. */
function loggedPath(watched: Watched): string[] {
  const states = watched.records.filter((record) => record.ev === 'state');
  return states.map((record) => record.to).filter((name) => name !== 'CLOSED' && name !== 'LISTEN');
}

/** States in the order in which a column of the ladder shows them. */
function columnPath(ladder: LadderTrace, column: 'a' | 'b'): string[] {
  const path: string[] = [];
  for (const row of ladder.documents()[0]!.rows) {
    const name = row[column]?.name;
    if (name !== undefined && name !== 'CLOSED' && name !== 'LISTEN' && path.at(-1) !== name) path.push(name);
  }
  return path;
}

function losingFirst(bit: number): Path {
  let lost = false;
  return (segment) => {
    if (lost || (segment.flags & bit) === 0) return [10];
    lost = true;
    return [];
  };
}

interface Story {
  name: string;
  a?: SideOptions;
  b?: SideOptions;
  /** When each end shuts down, in ms after the start; -1 for as soon as the other's FIN came. */
  aClosesAt: number;
  bClosesAt: number;
  steps: string[];
}

const STORIES: Story[] = [
  {
    name: 'the client closes first, the server later',
    aClosesAt: 100,
    bClosesAt: 300,
    steps: ['H1', 'H2', 'H3', 'W1', 'W2', 'W3', 'W4', '2MSL'],
  },
  {
    name: 'the server closes first',
    aClosesAt: 300,
    bClosesAt: 100,
    steps: ['H1', 'H2', 'H3', 'W1', 'W2', 'W3', 'W4'],
  },
  {
    name: 'the server answers the FIN with its own',
    aClosesAt: 100,
    bClosesAt: -1,
    steps: ['H1', 'H2', 'H3', 'W1', 'W2+W3', 'W4', '2MSL'],
  },
  {
    name: 'both close at once',
    aClosesAt: 100,
    bClosesAt: 100,
    steps: ['H1', 'H2', 'H3', 'W1', 'W3', 'W4', 'W2', '2MSL'],
  },
];

for (const story of STORIES) {
  test(`ladder of real connections: ${story.name}`, () => {
    const config = { mslMs: 500 };
    const pair = new Pair({ iss: 1000, config }, { iss: 5_000_000, config });
    const [a, b] = [watch(pair.a), watch(pair.b)];
    const start = pair.now;
    pair.application = () => {
      const closing: [Pair['a'], number][] = [
        [pair.a, story.aClosesAt],
        [pair.b, story.bClosesAt],
      ];
      for (const [side, at] of closing) {
        const due = at < 0 ? side.state === 'CLOSE-WAIT' : pair.now >= start + at;
        if (due && (side.state === 'ESTABLISHED' || side.state === 'CLOSE-WAIT'))
          side.connection!.shutdownWrite(pair.now);
      }
    };
    pair.start();
    for (let elapsed = 0; elapsed < 2000; elapsed += 50) {
      pair.advance(50);
      pair.turn();
    }
    const text = a.ladder.render().join('\n');
    const steps = a.ladder
      .documents()[0]!
      .rows.map((row) => row.step)
      .filter((step) => step !== '');
    assert.deepEqual(steps, story.steps, text);
    assert.deepEqual(columnPath(a.ladder, 'a'), loggedPath(a), `our column is the log\n${text}`);
    assert.deepEqual(columnPath(a.ladder, 'b'), loggedPath(b), `the inference from A is B's truth\n${text}`);
    const other = b.ladder.render().join('\n');
    assert.deepEqual(columnPath(b.ladder, 'b'), loggedPath(b), `our column is the log\n${other}`);
    assert.deepEqual(columnPath(b.ladder, 'a'), loggedPath(a), `the inference from B is A's truth\n${other}`);
    for (const line of text.split('\n')) assert.ok(displayWidth(line) <= 100, line);
  });
}

for (const [name, bit, repeated] of [
  ['SYN', SYN, /=== SYN seq=0 \[x\] .*retransmission 1 =+>\| SYN-RECEIVED {2}RTX1/],
  ['FIN', FIN, /=== FIN,ACK seq=1 ack=1 .*retransmission 1 =+>\| CLOSE-WAIT {4}RTX1/],
] as const) {
  test(`ladder of real connections: a ${name} lost on the way is seen to be repeated`, () => {
    const pair = new Pair({ iss: 1000, path: losingFirst(bit), config: { mslMs: 500 } }, { iss: 7 });
    const { ladder } = watch(pair.a);
    pair.start().advance(3000);
    pair.a.connection!.shutdownWrite(pair.now);
    pair.turn();
    pair.advance(3000);
    const text = ladder.render().join('\n');
    assert.match(text, /RTO [0-9.]+ s fired \(1\)/);
    assert.match(text, repeated);
    const first = ladder.documents()[0]!.rows.find((row) => row.segment?.flags.includes(name));
    assert.equal(first!.b, null, `nothing is claimed of the copy that was lost\n${text}`);
  });
}

test('ladder of real connections: a refused SYN', () => {
  const pair = new Pair({ iss: 1000 }, { iss: 7 });
  pair.b.listening = false;
  const { ladder, records } = watch(pair.a);
  pair.start().advance(1000);
  const text = ladder.render().join('\n');
  assert.match(
    text,
    /--- SYN seq=0 \[x\] .*>\| CLOSED {8}H1\n.*CLOSED {7}\|<-- RST,ACK seq=0 ack=1 -+\| CLOSED/,
  );
  assert.deepEqual(
    records.filter((record) => record.ev === 'state').map((record) => record.to),
    ['SYN-SENT', 'CLOSED'],
  );
});

test('ladder of a real stack: one abort() when the stack ends under a socket in SYN-SENT', async () => {
  const [ours, silent] = memoryLinkPair();
  const ladder = ladderTrace();
  const stack = await createStack({ link: ours, addresses: ['10.9.0.2/24'], observers: [ladder] });
  const socket = stack.net.connect(80, '10.9.0.1');
  socket.on('error', () => {});
  const closed = new Promise((resolve) => void socket.once('close', resolve));
  for (let turns = 0; ladder.connections.length === 0 && turns < 1000; turns++) await nextTurn();
  // The socket hears of the end in the same turn, and aborts what is CLOSED already.
  await stack.close();
  await closed;
  await silent.close();
  const text = ladder.render().join('\n');
  assert.equal(text.match(/abort\(\)/g)?.length, 1, text);
  assert.match(text, /CLOSED {7}\| +A: abort\(\)/);
});
