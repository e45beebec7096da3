// What is measured, on whose TCP, and in which order.

/**
 * Whose TCP is measured. `ours`: sockets of `stack.net`. `register`: Node's own sockets, moved onto the stack. `node`:
 * Node's on the kernel. `kernel`: a C program on the kernel. `crude`: no TCP at all, only the input and output of one that
 * neither checks nor waits: the ceiling of a stack in JavaScript over that device. `workers`: ours, on two queues of the device
 * in two threads. `crowded`: ours, with many connections at rest in the same stack. `packet`: ours, on a packet socket at one
 * end of a veth pair. `lwip`: a C program on lwIP, on a TUN device like ours. `slirp`: the C program on the kernel's loopback, reached through
 * slirp4netns, which speaks TCP to the load on a TAP device.
 */
export const KINDS = [
  'ours',
  'register',
  'node',
  'kernel',
  'lwip',
  'slirp',
  'crude',
  'workers',
  'crowded',
  'packet',
] as const;
export type Kind = (typeof KINDS)[number];

/** What the load does. `http` asks `node:http` and its like, `raw` a program that answers without looking. */
export const SCENARIOS = ['recv', 'send', 'ping', 'connect', 'crr', 'http', 'raw', 'memory'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/**
 * What a case is there to show: speed beside others, two cores beside one, connections at rest beside none, frames, or that
 * it lasts.
 */
export const GROUPS = ['speed', 'cores', 'crowd', 'ethernet', 'long'] as const;
export type Group = (typeof GROUPS)[number];

/** Names of what `--only` may ask for: scenarios of the first group, and the other groups. */
export const PARTS = [...SCENARIOS, ...GROUPS.slice(1)] as readonly (Scenario | Group)[];

/** The device between load and stack. */
export interface Setting {
  readonly mtu: number;
  /** Segmentation and checksums are left to the device, both ways. */
  readonly offload: boolean;
}

/** One thing to measure. */
export interface Case {
  readonly group: Group;
  readonly scenario: Scenario;
  readonly setting: Setting;
  readonly connections: number;
  /** Length of an HTTP response; 0 for what is no HTTP. */
  readonly bytes: number;
  readonly kinds: readonly Kind[];
}

/** What shapes a plan. */
export interface PlanOptions {
  readonly quick: boolean;
  /** Some of `PARTS`; null: all. */
  readonly only: readonly (Scenario | Group)[] | null;
  /** Only cases whose `caseText` it finds. */
  readonly cases?: RegExp | null;
  /** Only these kinds, and cases that have one of them. */
  readonly kinds?: readonly Kind[] | null;
}

/** Ports of the services, the same everywhere. The servers in C know the first six of them in this order. */
export const PORT = {
  sink: 5001,
  source: 5002,
  echo: 5003,
  rawSmall: 5004,
  rawLarge: 5005,
  idle: 5006,
  httpSmall: 5007,
  httpLarge: 5008,
} as const;

export const SMALL_BYTES = 64;
export const LARGE_BYTES = 16_384;

/** Connections at rest beside those that are measured. */
export const CROWD = 100_000;
/** Of `workers`. */
export const QUEUES = 2;

const HTTP_CONNECTIONS = 50;
const USUAL: Setting = { mtu: 1500, offload: true };

const TCP: readonly Kind[] = ['ours', 'node', 'kernel'];
const WITH_LWIP: readonly Kind[] = [...TCP, 'lwip'];
const WITH_PEERS: readonly Kind[] = [...WITH_LWIP, 'slirp'];
const WITH_CEILING: readonly Kind[] = [...WITH_LWIP, 'crude'];
const HTTP: readonly Kind[] = ['ours', 'register', 'node'];
const CORES: readonly Kind[] = ['ours', 'workers'];
const CROWDED: readonly Kind[] = ['ours', 'crowded'];
const FRAMES: readonly Kind[] = ['packet', 'node', 'kernel'];

/**
 * All cases that were asked for, in the order of the document.
 * @param absent kinds that cannot be measured here
 */
export function casesOf(
  { quick, only, cases: named, kinds }: PlanOptions,
  absent: readonly Kind[] = [],
): Case[] {
  const cases = [
    ...bulk('recv', quick),
    ...bulk('send', quick),
    one('ping', 1, WITH_PEERS),
    ...(quick ? [] : [one('connect', 1, WITH_PEERS), one('connect', 50, WITH_PEERS)]),
    one('crr', 1, WITH_PEERS),
    one('crr', 50, WITH_PEERS),
    one('http', HTTP_CONNECTIONS, HTTP, SMALL_BYTES),
    one('raw', HTTP_CONNECTIONS, WITH_PEERS, SMALL_BYTES),
    ...(quick ? [] : [one('http', HTTP_CONNECTIONS, HTTP, LARGE_BYTES)]),
    ...(quick ? [] : [one('raw', HTTP_CONNECTIONS, WITH_PEERS, LARGE_BYTES)]),
    one('memory', quick ? 1000 : 10_000, WITH_LWIP),
    ...some(
      'cores',
      CORES,
      quick
        ? [['recv', 10]]
        : [
            ['recv', 10],
            ['send', 10],
            ['crr', 50],
            ['raw', HTTP_CONNECTIONS],
          ],
    ),
    ...some(
      'crowd',
      CROWDED,
      quick
        ? [['crr', 50]]
        : [
            ['recv', 1],
            ['send', 1],
            ['ping', 1],
            ['crr', 50],
          ],
    ),
    ...(quick
      ? []
      : some('ethernet', FRAMES, [
          ['recv', 1],
          ['recv', 10],
          ['send', 1],
          ['send', 10],
          ['ping', 1],
        ])),
    ...(quick && only === null ? [] : [long('recv', false), long('send', true)]),
  ];
  const partOf = ({ group, scenario }: Case) => (group === 'speed' ? scenario : group);
  const measured = (kind: Kind) => !absent.includes(kind) && (kinds?.includes(kind) ?? true);
  return cases
    .filter((each) => only === null || only.includes(partOf(each)))
    .filter((each) => named?.test(caseText(each)) ?? true)
    .map((each) => ({ ...each, kinds: each.kinds.filter(measured) }))
    .filter((each) => each.kinds.length > 0);
}

function one(scenario: Scenario, connections: number, kinds: readonly Kind[], bytes = 0): Case {
  return { group: 'speed', scenario, setting: USUAL, connections, bytes, kinds };
}

function some(group: Group, kinds: readonly Kind[], what: readonly [Scenario, number][]): Case[] {
  return what.map(([scenario, connections]) => {
    const bytes = scenario === 'raw' ? SMALL_BYTES : 0;
    return { group, scenario, setting: USUAL, connections, bytes, kinds };
  });
}

/** Without offload there are more segments in the same time. */
function long(scenario: 'recv' | 'send', offload: boolean): Case {
  return {
    group: 'long',
    scenario,
    setting: { mtu: 1500, offload },
    connections: 1,
    bytes: 0,
    kinds: ['ours'],
  };
}

function bulk(scenario: 'recv' | 'send', quick: boolean): Case[] {
  const settings = (quick ? [1500] : [1500, 9000, 65_535]).flatMap((mtu) => [
    { mtu, offload: true },
    { mtu, offload: false },
  ]);
  const counts = quick ? [1, 10] : [1, 10, 100];
  const countsOf = ({ offload }: Setting) => (quick && !offload ? [1] : counts);
  return settings.flatMap((setting) =>
    countsOf(setting).map((connections) => ({
      group: 'speed' as const,
      scenario,
      setting,
      connections,
      bytes: 0,
      kinds: bulkKinds(setting),
    })),
  );
}

/** The MSS of lwIP is what it was built with; slirp4netns leaves nothing to its device. */
function bulkKinds({ mtu, offload }: Setting): readonly Kind[] {
  const kinds = mtu === USUAL.mtu ? WITH_CEILING : TCP;
  return offload || mtu === 9000 ? kinds : [...kinds, 'slirp'];
}

/** The port that the load of a case goes to. */
export function portOf({ scenario, bytes }: Case): number {
  switch (scenario) {
    case 'recv':
      return PORT.sink;
    case 'send':
      return PORT.source;
    case 'http':
      return bytes === SMALL_BYTES ? PORT.httpSmall : PORT.httpLarge;
    case 'raw':
      return bytes === SMALL_BYTES ? PORT.rawSmall : PORT.rawLarge;
    case 'memory':
      return PORT.idle;
    default:
      return PORT.echo;
  }
}

/** What the load client has to do for a scenario. */
export function actionOf(scenario: Scenario): string {
  const names = { recv: 'send', send: 'receive', http: 'http', raw: 'http', memory: 'idle' } as const;
  return scenario in names ? names[scenario as keyof typeof names] : scenario;
}

/** A setting in words. */
export function settingText({ mtu, offload }: Setting): string {
  return `MTU ${mtu}${offload ? '' : ', no offload'}`;
}

/** A case in words; names the case. */
export function caseText({ group, scenario, setting, connections, bytes }: Case): string {
  const size = bytes === 0 ? '' : ` ${bytes} B`;
  const part = group === 'speed' ? '' : `${group} `;
  return `${part}${scenario}${size} ×${connections}, ${settingText(setting)}`;
}

/** The kinds of a case in another order for each round, so that none always comes after the same other. */
export function turned<T>(kinds: readonly T[], round: number): T[] {
  const first = round % kinds.length;
  return [...kinds.slice(first), ...kinds.slice(0, first)];
}
