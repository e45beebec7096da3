// `npm run bench`: measures, prints the tables, and writes the document.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../namespace.js';
import { measureStart } from '../start/measure.js';
import { renderDocument, renderTables } from './document.js';
import { Driver } from './driver.js';
import { Load } from './load.js';
import { watchMachine } from './machine.js';
import { measureMicro } from './micro.js';
import { readSpeedOptions, SPEED_USAGE, type SpeedOptions } from './options.js';
import { Place } from './place.js';
import { casesOf, type Kind } from './plan.js';
import { plotsOf } from './plots.js';
import { installedLwip, installedSlirp } from './programs.js';
import type { Run } from './results.js';
import { Subjects } from './subjects.js';

const NUMBERS_FILE = 'measured.json';
const PRIORITY = 10;
/** A start is over sooner than what else is measured in a round. */
const STARTS_A_ROUND = 3;

const say = (text: string) => void process.stderr.write(`${text}\n`);

async function measure(options: SpeedOptions): Promise<Run> {
  const machine = watchMachine();
  // Whatever is started from here on inherits it.
  if (options.realTime) must('chrt', '--rr', '--pid', String(PRIORITY), String(process.pid));
  const place = new Place();
  const subjects = new Subjects(place);
  const load = new Load(place.load);
  const end = () => {
    load.kill();
    subjects.kill();
    place.close();
  };
  // Also when something calls for the end of the process.
  process.once('exit', end);
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  if (options.profile !== null) mkdirSync(options.profile, { recursive: true });
  const lwip = installedLwip();
  const slirp = installedSlirp();
  const absent: Kind[] = [];
  if (lwip === null) absent.push('lwip');
  if (slirp === null) absent.push('slirp');
  const cases = casesOf(options, absent);
  const results = await new Driver(subjects, load, options, say).run(cases);
  end();
  const { quick, rounds, seconds, realTime } = options;
  const start = options.start ? await measureStart(rounds * STARTS_A_ROUND) : [];
  const micro = options.micro ? await measureMicro() : [];
  const date = new Date().toISOString().slice(0, 10);
  const how = {
    date,
    quick,
    rounds,
    seconds,
    realTime,
    tools: load.tools,
    lwip,
    slirp,
    congestionControl: place.congestionControl,
  };
  return { machine: machine(), ...how, results, micro, start };
}

/** `performance.md`, and beside it a folder with what it shows and what it was made from. */
function write(run: Run, folder: string): void {
  const beside = join(folder, 'performance');
  mkdirSync(beside, { recursive: true });
  for (const { name, svg } of plotsOf(run)) writeFileSync(join(beside, `${name}.svg`), svg);
  writeFileSync(join(beside, NUMBERS_FILE), `${JSON.stringify(run, null, 1)}\n`);
  writeFileSync(join(folder, 'performance.md'), renderDocument(run));
}

async function main(): Promise<number> {
  let options: SpeedOptions | null;
  try {
    options = readSpeedOptions(process.argv.slice(2));
  } catch (error) {
    say(`${(error as Error).message}\n${SPEED_USAGE}`);
    return 2;
  }
  if (options === null) {
    process.stdout.write(`${SPEED_USAGE}\n`);
    return 0;
  }
  const { render, out } = options;
  const run = render === null ? await measure(options) : (JSON.parse(readFileSync(render, 'utf8')) as Run);
  process.stdout.write(renderTables(run));
  if (out !== null) write(run, out);
  return run.results.some(({ measured }) => measured.some(({ error }) => error !== null)) ? 1 : 0;
}

process.exitCode = await main();
