// The ladder of a run as it grows. A row is shown when nothing about it will change any more: the kernel may still be asked
// for the state that it has left.
import { ladderStyle, type ReportStyle } from '../../lab/report.js';
import type { PlaySettings } from '../../lab/rig.js';
import type { PlayedWorld } from '../../lab/world.js';
import { LadderRenderer } from '../../observe/ladder-render.js';

const LOOK_MS = 30;
/** By then the kernel has been asked, ms. */
const SETTLED_MS = 200;

/** Shows rows of the first ladder of a run; the end of the report shows what is left. */
export class LiveLadder {
  /** Lines shown so far: as many fewer does the report have to print. */
  shown = 0;
  private renderer: LadderRenderer | null = null;
  private rows = 0;

  constructor(
    private readonly style: ReportStyle,
    private readonly out: { write(text: string): unknown },
  ) {}

  /** Looks at the run until `stop` is called. A simulation is over before there is anything to see. */
  follow(settings: PlaySettings, { rig, peerName }: PlayedWorld): { stop(): void } {
    const head = { ...settings, unsafe: settings.variant.unsafe ?? [], peerName };
    const timer = setInterval(() => {
      const [document] = rig.ladder.documents();
      if (document === undefined) return;
      if (this.renderer === null) {
        this.renderer = new LadderRenderer(document, ladderStyle(head, this.style));
        this.show(this.renderer.header());
      }
      const now = rig.clock.now() - (rig.ladder.beganAt ?? 0);
      while (this.rows < document.rows.length - 1 && document.rows[this.rows]!.t < now - SETTLED_MS) {
        this.show([this.renderer.row(document.rows[this.rows++]!)]);
      }
    }, LOOK_MS);
    return { stop: () => clearInterval(timer) };
  }

  private show(lines: readonly string[]): void {
    this.out.write(`${lines.join('\n')}\n`);
    this.shown += lines.length;
  }
}
