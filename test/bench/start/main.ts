// `npm run bench:start`: start-up alone.
import { parseArgs } from 'node:util';
import { spreadOf } from '../statistics.js';
import { measureStart } from './measure.js';

// Usage: scripts/bench start [--rounds N]
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });

process.once('SIGINT', () => process.exit(130));
for (const { name, ms } of await measureStart(Number(values.rounds))) {
  const { median, low, high } = spreadOf(ms);
  process.stdout.write(
    `${name.padEnd(12)}  ${median.toFixed(0)} ms (${low.toFixed(0)}–${high.toFixed(0)})\n`,
  );
}
