// Keeps the kernel from answering for a stack that shares one of its addresses. For segments to ports that it does not
// know the kernel sends RST; the guard is an nftables table of our own that drops those, and nothing else. It is taken
// away on close, at the end of the process and on signals; its name says which process made it, so that what a
// SIGKILL leaves behind can be told and removed.
import { spawnSync } from 'node:child_process';
import { pidNamespace, startTimeOf } from '../native/process-identity.js';
import type { IpAddress } from '../wire/address.js';
import { RawError } from './raw-errors.js';
import { formatRanges, type Range } from './raw-ports.js';

/** SO_MARK of the link's own packets, by which the guard tells our RST from the kernel's: `synw` in ASCII. */
export const GUARD_MARK = 0x73796e77;

/** What to guard. */
export interface GuardScope {
  readonly addresses: readonly IpAddress[];
  readonly ports: readonly Range[];
  /** Path of the network namespace; undefined for that of the process. */
  readonly netns: string | undefined;
}

const TABLE_NAME = /^synwave_(\d+)_(\d+)_(\d+)_(\d+)$/;
let made = 0;

/** A guard in force. */
export class RstGuard {
  private constructor(
    /** Name of its table, of family `inet`. */
    readonly table: string,
    private readonly netns: string | undefined,
  ) {}

  /**
   * Installs one.
   * @throws RawError `ERR_SYNWAVE_NFT_MISSING`, `EPERM`, `ERR_SYNWAVE_NFT`
   */
  static install(scope: GuardScope): RstGuard {
    const start = startTimeOf(process.pid) ?? '0';
    const table = `synwave_${process.pid}_${start}_${pidNamespace()}_${++made}`;
    const result = nft(scope.netns, ['-f', '-'], guardRules(table, scope));
    if (!result.ok) throw explain(result, scope);
    const guard = new RstGuard(table, scope.netns);
    watch(guard);
    return guard;
  }

  /** Takes it away. Idempotent; works while the process ends, since it waits for nothing. */
  remove(): void {
    if (!unwatch(this)) return;
    removeGuardTable(this.table, this.netns);
  }
}

/** Asks nftables whether it would take a guard, without installing it. Null, or the error that `install` would throw. */
export function probeGuard(scope: GuardScope): RawError | null {
  const result = nft(scope.netns, ['--check', '-f', '-'], guardRules(`synwave_probe_${process.pid}`, scope));
  return result.ok ? null : explain(result, scope);
}

/** The rules as `nft -f` reads them. */
export function guardRules(table: string, { addresses, ports }: GuardScope): string {
  const rules = ([4, 6] as const).flatMap((family) => {
    const own = addresses.filter((address) => address.family === family);
    if (own.length === 0) return [];
    const source = `${family === 4 ? 'ip' : 'ip6'} saddr { ${own.join(', ')} }`;
    return `    ${source} tcp sport @ports tcp flags & rst == rst meta mark != ${hex(GUARD_MARK)} counter drop`;
  });
  return [
    `table inet ${table} {`,
    `  set ports { type inet_service; flags interval; elements = { ${formatRanges(ports)} }`,
    '  }',
    '  chain output { type filter hook output priority filter; policy accept',
    ...rules,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The same by iptables, one command for each family, for those without nft. */
export function iptablesRemedy({ addresses, ports }: GuardScope): string {
  return addresses
    .map((address) => {
      const program = address.family === 4 ? 'iptables' : 'ip6tables';
      const match = `-p tcp -m multiport --sports ${formatRanges(ports, ':', ',')} --tcp-flags RST RST`;
      return `${program} -I OUTPUT -s ${address} ${match} -m mark ! --mark ${hex(GUARD_MARK)} -j DROP`;
    })
    .join('; ');
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function explain(result: NftResult, scope: GuardScope): RawError {
  const byHand = `or set the rule yourself and open the link with guard: false: ${iptablesRemedy(scope)}`;
  if (result.missing) {
    const message =
      'nft was not found. Without its rule the kernel would answer every segment of the stack’s peers with RST. ' +
      `Remedy: apt-get install nftables; ${byHand}`;
    return new RawError('ERR_SYNWAVE_NFT_MISSING', message);
  }
  if (/not permitted/i.test(result.stderr)) {
    const remedy = 'Run with sudo. In Docker add --cap-add NET_ADMIN.';
    const message = `not allowed to set the rule that keeps the kernel from answering: CAP_NET_ADMIN is missing. ${remedy}`;
    return new RawError('EPERM', message);
  }
  const said = result.stderr.split('\n')[0];
  return new RawError(
    'ERR_SYNWAVE_NFT',
    `nft refused the rule: ${said}. Remedy: a kernel with nf_tables; ${byHand}`,
  );
}

/** A guard that is found in the kernel. */
export interface FoundGuard {
  readonly table: string;
  readonly pid: number;
  /** Its process runs, or lives where this one cannot tell. */
  readonly isAlive: boolean;
}

/** The guards in a network namespace; none without nft or without the right to look. */
export function findGuards(netns?: string): FoundGuard[] {
  const result = nft(netns, ['-j', 'list', 'tables']);
  if (!result.ok) return [];
  const { nftables } = JSON.parse(result.stdout) as {
    nftables: { table?: { family: string; name: string } }[];
  };
  return nftables.flatMap(({ table }) => {
    const match = TABLE_NAME.exec(table?.family === 'inet' ? table.name : '');
    if (match === null) return [];
    const [name, pid = '', start, namespace] = match;
    const isElsewhere = namespace !== pidNamespace();
    return { table: name, pid: Number(pid), isAlive: isElsewhere || startTimeOf(Number(pid)) === start };
  });
}

/** Ports that the living guards of a namespace keep for other links on one of these addresses. */
export function guardedPorts(
  addresses: readonly IpAddress[],
  netns?: string,
): { pid: number; range: Range }[] {
  return findGuards(netns).flatMap(({ table, pid, isAlive }) => {
    if (!isAlive) return [];
    const listed = nft(netns, ['-j', 'list', 'table', 'inet', table]);
    const isShared = addresses.some((address) => listed.stdout.includes(`"${address}"`));
    return listed.ok && isShared ? rangesIn(listed.stdout).map((range) => ({ pid, range })) : [];
  });
}

/** The elements of the set of ports in what nft lists as JSON: numbers and ranges. */
function rangesIn(json: string): Range[] {
  type Element = number | { readonly range: readonly [number, number] };
  const { nftables } = JSON.parse(json) as { nftables: { set?: { elem?: readonly Element[] } }[] };
  return nftables.flatMap(({ set }) =>
    (set?.elem ?? []).map((element) =>
      typeof element === 'number'
        ? { first: element, last: element }
        : { first: element.range[0], last: element.range[1] },
    ),
  );
}

/** Removes a guard by the name of its table. Returns whether it was there. */
export function removeGuardTable(table: string, netns?: string): boolean {
  return nft(netns, ['delete', 'table', 'inet', table]).ok;
}

interface NftResult {
  readonly ok: boolean;
  readonly missing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const NFT_LIMIT_MS = 10_000;

function nft(netns: string | undefined, argv: readonly string[], input = ''): NftResult {
  const words = netns === undefined ? ['nft', ...argv] : ['nsenter', `--net=${netns}`, '--', 'nft', ...argv];
  const env = {
    ...process.env,
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`,
    LC_ALL: 'C',
  };
  const options = { input, encoding: 'utf8', timeout: NFT_LIMIT_MS, env } as const;
  const { status, error, stdout, stderr } = spawnSync(words[0]!, words.slice(1), options);
  const isAbsent = ['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  return {
    ok: status === 0,
    missing: isAbsent || (netns !== undefined && (status === 127 || status === 126)),
    stdout: stdout ?? '',
    stderr: (stderr || error?.message) ?? '',
  };
}

// The guards of this process, so that none outlives it by accident.
const inForce = new Set<RstGuard>();
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function watch(guard: RstGuard): void {
  if (inForce.size === 0) {
    process.on('exit', removeAll);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  inForce.add(guard);
}

function unwatch(guard: RstGuard): boolean {
  if (!inForce.delete(guard)) return false;
  if (inForce.size === 0) {
    process.off('exit', removeAll);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
  return true;
}

function removeAll(): void {
  for (const guard of [...inForce]) guard.remove();
}

/** Where nobody else listens the signal ends the process, as it would have without us; else they decide when. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeAll();
  process.kill(process.pid, signal);
}
