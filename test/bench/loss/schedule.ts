// Several measurements at once, as many as the processors carry, started in their order.

/** Something to do that takes a share of the machine. */
export interface Weighted {
  /** Processors. */
  readonly weight: number;
}

/**
 * Runs `work` for every job: in order, side by side while their weights fit into `processors` and their number into
 * `most`. A job that is heavier than the machine runs alone. Stops starting when `isStopped` says so.
 */
export async function runWeighted<J extends Weighted>(
  jobs: readonly J[],
  limits: { readonly processors: number; readonly most: number; readonly isStopped: () => boolean },
  work: (job: J) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let load = 0;
  for (const job of jobs) {
    const fits = () => running.size < limits.most && load + job.weight <= limits.processors + 1e-9;
    while (running.size > 0 && !fits()) await Promise.race(running);
    if (limits.isStopped()) break;
    load += job.weight;
    const run = work(job).finally(() => {
      load -= job.weight;
      running.delete(run);
    });
    running.add(run);
  }
  await Promise.all(running);
}
