// Carries a plan out: round after round, within a round case after case, within a case kind after kind, so that what the
// machine does meanwhile meets all kinds alike.
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Endurance, endure } from './endurance.js';
import type { Load, LoadReport } from './load.js';
import { slabBytes } from './machine.js';
import { type Case, caseText, type Kind, type Scenario, settingText, turned } from './plan.js';
import type { Measured, Result } from './results.js';
import type { Subject, Usage } from './subject.js';
import type { Subjects } from './subjects.js';

const BITS_PER_GBIT = 1e9 / 8;
/** Part of a measurement that comes before it and is not counted. */
const WARM_SHARE = 0.25;

/** Kinds without a V8, or with several. */
const NO_PROFILE: readonly Kind[] = ['kernel', 'lwip', 'slirp', 'crude', 'workers'];

/** How long, how often, and what is left behind. */
export interface DriverOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly longSeconds: number;
  readonly profile: string | null;
}

/** Once for each process and scenario, not counted at all: by then V8 has compiled what it takes. */
const FIRST_SECONDS = 0.5;

/** One measurement. */
interface Sample {
  readonly value: number;
  readonly p99Us: number | null;
  readonly perGb: { readonly user: number; readonly system: number } | null;
  readonly memory: { readonly resident: number; readonly slab: number } | null;
  readonly failures: number;
}

/** What became of one kind in one case. */
class Record {
  readonly samples: Sample[] = [];
  failures = 0;
  error: string | null = null;
  features = '';
  endurance: Endurance | null = null;

  constructor(readonly kind: Kind) {}

  measured(): Measured {
    const { samples, kind, error, features, endurance } = this;
    const each = (of: (sample: Sample) => number | null | undefined) =>
      samples.map(of).filter((value) => value != null);
    return {
      kind,
      values: each((sample) => sample.value),
      p99Us: each((sample) => sample.p99Us),
      userPerGb: each((sample) => sample.perGb?.user),
      systemPerGb: each((sample) => sample.perGb?.system),
      residentBytes: each((sample) => sample.memory?.resident),
      slabBytes: each((sample) => sample.memory?.slab),
      failures: this.failures + samples.reduce((sum, sample) => sum + sample.failures, 0),
      error,
      features,
      ...(endurance === null ? {} : { endurance }),
    };
  }
}

/** Measures. */
export class Driver {
  private readonly warmed = new Set<string>();

  constructor(
    private readonly subjects: Subjects,
    private readonly load: Load,
    private readonly options: DriverOptions,
    private readonly say: (text: string) => void,
  ) {}

  /** All cases, in all rounds. A measurement that fails is noted and does not keep the others from being made. */
  async run(cases: readonly Case[]): Promise<Result[]> {
    const records = cases.map((job) => job.kinds.map((kind) => new Record(kind)));
    for (let round = 0; round < this.options.rounds; round++) {
      for (const [i, job] of cases.entries()) {
        // Memory is what it is: once is enough, before the process has served many rounds. So is what lasts.
        if ((job.scenario === 'memory' || job.group === 'long') && round > 0) continue;
        for (const record of turned(records[i]!, round)) await this.measure(job, record, round);
      }
      this.say(`round ${round + 1} of ${this.options.rounds} is done`);
    }
    return cases.map((job, i) => ({ case: job, measured: records[i]!.map((record) => record.measured()) }));
  }

  private async measure(job: Case, record: Record, round: number): Promise<void> {
    const { kind } = record;
    try {
      const subject = await this.subjects.get(kind, job.setting);
      record.features = subject.features;
      await this.warm(job, subject);
      if (job.group === 'long') {
        record.endurance = await this.endure(job, subject);
        return;
      }
      const sample = await (job.scenario === 'memory'
        ? this.weigh(job, subject)
        : this.profiled(job, subject, round === 0, () => this.time(job, subject)));
      record.samples.push(sample);
    } catch (error) {
      record.failures++;
      record.error = (error as Error).message;
      this.say(`${caseText(job)}, ${kind}: ${record.error}`);
    }
  }

  private async warm(job: Case, subject: Subject): Promise<void> {
    const key = `${settingText(job.setting)} ${subject.kind} ${job.scenario}`;
    if (job.scenario === 'memory' || this.warmed.has(key)) return;
    this.warmed.add(key);
    await this.load.run(job, subject.address, { seconds: FIRST_SECONDS, warmSeconds: 0 });
  }

  private async time(job: Case, subject: Subject): Promise<Sample> {
    const { seconds } = this.options;
    const before = await subject.usage();
    const report = await this.load.run(job, subject.address, { seconds, warmSeconds: seconds * WARM_SHARE });
    return sampleOf(job.scenario, report, before, await subject.usage());
  }

  private endure(job: Case, subject: Subject): Promise<Endurance> {
    const duration = { seconds: this.options.longSeconds, warmSeconds: 0 };
    return endure(subject, () => this.load.run(job, subject.address, duration));
  }

  private async weigh(job: Case, subject: Subject): Promise<Sample> {
    const { connections } = job;
    const accepted = (await subject.usage()).accepted + connections;
    const before = await subject.memory();
    const slabBefore = slabBytes();
    return this.load.holding(job, subject.address, async () => {
      // The load is connected when its kernel is; whoever is measured comes to it later.
      while ((await subject.usage()).accepted < accepted) await setImmediate();
      const slab = (slabBytes() - slabBefore) / connections;
      const { heapBytes, residentBytes } = await subject.memory();
      const resident = (residentBytes - before.residentBytes) / connections;
      const value = heapBytes > 0 ? (heapBytes - before.heapBytes) / connections : resident;
      return { value, p99Us: null, perGb: null, memory: { resident, slab }, failures: 0 };
    });
  }

  private async profiled<T>(
    job: Case,
    subject: Subject,
    isFirst: boolean,
    work: () => Promise<T>,
  ): Promise<T> {
    const { profile } = this.options;
    const isProfiled = profile !== null && isFirst && !NO_PROFILE.includes(subject.kind);
    if (!isProfiled) return work();
    await subject.profile();
    try {
      return await work();
    } finally {
      const name = `${caseText(job)} ${subject.kind}`.replace(/[^\w×]+/g, '-');
      await subject.profiled(join(profile, `${name}.cpuprofile`));
    }
  }
}

function sampleOf(scenario: Scenario, report: LoadReport, before: Usage, after: Usage): Sample {
  const { seconds, bytes, totalBytes, operations, failures, p50Us, p99Us } = report;
  const isBulk = scenario === 'recv' || scenario === 'send';
  const perSecond = (isBulk ? bytes / BITS_PER_GBIT : operations) / seconds;
  const gb = totalBytes / 1e9;
  const perGb = {
    user: (after.userSeconds - before.userSeconds) / gb,
    system: (after.systemSeconds - before.systemSeconds) / gb,
  };
  if (operations === 0 && bytes === 0) throw new Error('nothing came through');
  return {
    value: scenario === 'ping' ? p50Us : perSecond,
    p99Us: p99Us >= 0 ? p99Us : null,
    perGb: isBulk ? perGb : null,
    memory: null,
    failures,
  };
}
