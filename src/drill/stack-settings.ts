// What the settings of a script mean to our stack: Linux's and FreeBSD's names of sysctl, and our own.
import type { ConnectionConfig } from '../tcp/config.js';
import { controllerNamed } from '../tcp/congestion/registry.js';
import { defaultConfig } from '../tcp/defaults.js';
import type { Setting } from './commands.js';
import { Unsupported } from './outcome.js';

type Settings = Partial<ConnectionConfig>;
type Meaning = (value: string) => Settings;

const MS_PER_SECOND = 1000;

/** Names by which both systems call the same, with what they say here. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  'net.ipv4.tcp_sack': (value) => ({ sack: value !== '0' }),
  'net.ipv4.tcp_timestamps': (value) => ({ timestamps: value !== '0' }),
  'net.ipv4.tcp_window_scaling': (value) => ({
    windowScale: value === '0' ? -1 : defaultConfig().windowScale,
  }),
  'net.ipv4.tcp_ecn': (value) => ({ ecn: oneOf(value, { 0: 'off', 1: 'on', 2: 'accept' } as const) }),
  'net.ipv4.tcp_fin_timeout': (value) => ({ finWait2Ms: number(value) * MS_PER_SECOND }),
  'net.ipv4.tcp_synack_retries': (value) => ({ synAckRetries: number(value) }),
  'net.ipv4.tcp_keepalive_time': (value) => ({ keepAliveIdleMs: number(value) * MS_PER_SECOND }),
  'net.ipv4.tcp_keepalive_intvl': (value) => ({ keepAliveIntervalMs: number(value) * MS_PER_SECOND }),
  'net.ipv4.tcp_keepalive_probes': (value) => ({ keepAliveProbes: number(value) }),
  'net.ipv4.tcp_syncookies': (value) => ({
    synCookies: oneOf(value, { 0: 'off', 1: 'full', 2: 'always' } as const),
  }),
  'net.ipv4.tcp_rfc1337': (value) => ({ rfc1337: value !== '0' }),
  'net.ipv4.tcp_congestion_control': (value) => ({ congestion: controller(value) }),
  'net.ipv4.tcp_rmem': (value) => ({ receiveBufferBytes: number(value.split(/\s+/)[1] ?? '') }),
  'net.ipv4.tcp_wmem': (value) => ({ sendBufferBytes: number(value.split(/\s+/)[1] ?? '') }),
  'net.ipv4.tcp_base_mss': (value) => ({ probeBaseMss: number(value) }),
  'net.ipv4.ip_default_ttl': (value) => ({ ttl: number(value) }),
  'net.inet.tcp.rfc1323': (value) => ({ timestamps: value !== '0', windowScale: value === '0' ? -1 : 6 }),
  'net.inet.tcp.sack.enable': (value) => ({ sack: value !== '0' }),
  'net.inet.tcp.ecn.enable': (value) => ({ ecn: oneOf(value, { 0: 'off', 1: 'on', 2: 'accept' } as const) }),
  'net.inet.tcp.delayed_ack': (value) => (value === '0' ? { delayedAckMs: 0 } : {}),
  'net.inet.tcp.delacktime': (value) => ({ delayedAckMs: number(value) }),
  'net.inet.tcp.msl': (value) => ({ mslMs: number(value) }),
  'net.inet.tcp.finwait2_timeout': (value) => ({ finWait2Ms: number(value) }),
  'net.inet.tcp.keepidle': (value) => ({ keepAliveIdleMs: number(value) }),
  'net.inet.tcp.keepintvl': (value) => ({ keepAliveIntervalMs: number(value) }),
  'net.inet.tcp.keepcnt': (value) => ({ keepAliveProbes: number(value) }),
  'net.inet.tcp.rexmit_initial': (value) => ({ rtoInitialMs: number(value) }),
  'net.inet.tcp.initcwnd_segments': (value) => ({ initialWindowSegments: number(value) }),
  'net.inet.tcp.cc.algorithm': (value) => ({ congestion: controller(value) }),
};

/** Names that change nothing in what a script can see of us, with the values for which that is so; null for all. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly string[] | null>> = {
  'net.ipv4.tcp_no_metrics_save': null,
  'net.ipv4.tcp_moderate_rcvbuf': null,
  'net.ipv4.tcp_invalid_ratelimit': null,
  'net.ipv4.tcp_challenge_ack_limit': null,
  'net.ipv4.tcp_min_tso_segs': null,
  'net.ipv4.tcp_tso_win_divisor': null,
  'net.ipv4.tcp_limit_output_bytes': null,
  'net.ipv4.tcp_autocorking': null,
  'net.ipv4.tcp_early_retrans': ['3', '4'],
  'net.ipv4.tcp_recovery': ['1'],
  'net.ipv4.tcp_fastopen': null,
  'net.ipv4.tcp_frto': ['2'],
  'net.ipv4.tcp_pacing_ss_ratio': null,
  'net.ipv4.tcp_pacing_ca_ratio': null,
  'net.ipv4.tcp_slow_start_after_idle': ['1'],
  'net.ipv4.tcp_dsack': ['1'],
  'net.ipv4.tcp_tw_reuse': null,
  'net.core.rmem_max': null,
  'net.core.wmem_max': null,
  'net.core.default_qdisc': null,
  'net.inet.tcp.insecure_rst': ['0'],
  'net.inet.tcp.insecure_syn': ['0'],
  'net.inet.tcp.insecure_ack': ['0'],
  'net.inet.tcp.drop_synfin': ['1'],
  'net.inet.tcp.icmp_may_rst': ['1'],
  'net.inet.tcp.blackhole': ['0'],
  'net.inet.tcp.syncookies': null,
  'net.inet.tcp.rfc3042': ['1'],
  'net.inet.tcp.rfc3390': ['1'],
  'net.inet.tcp.rfc3465': ['1'],
  'net.inet.tcp.rfc6675_pipe': null,
  'net.inet.tcp.do_prr': null,
  'net.inet.tcp.path_mtu_discovery': ['1'],
  'net.inet.tcp.tolerate_missing_ts': null,
  'net.inet.tcp.nolocaltimewait': ['0'],
  'net.inet.tcp.always_keepalive': ['0'],
  'net.inet.tcp.fast_finwait2_recycle': ['0'],
  'net.inet.tcp.rexmit_drop_options': null,
  'net.inet.tcp.mssdflt': ['536'],
  'net.inet.tcp.v6mssdflt': ['1220'],
  'net.inet.tcp.functions_default': ['freebsd'],
  'net.inet.tcp.recvspace': null,
  'net.inet.tcp.sendspace': null,
  'net.inet.tcp.recvbuf_auto': null,
  'net.inet.tcp.sendbuf_auto': null,
  'net.inet.tcp.sendbuf_auto_lowat': null,
  'net.inet.tcp.recvbuf_max': null,
  'net.inet.tcp.sendbuf_max': null,
};

/** Families of names that never concern what is tested. */
const WITHOUT_EFFECT_PREFIXES = [
  'net.inet.tcp.hostcache.',
  'kern.ipc.',
  'net.inet.tcp.syncache.',
  'net.inet.tcp.fastopen.',
];

/** Settings of our connections that a script may name: `synwave.mslMs=1000`. */
const OWN_PREFIX = 'synwave.';

/**
 * What a setting changes of the settings of our connections.
 * @throws Unsupported for a name that is in no table, or a value that means something that the stack has not
 */
export function connectionSettings({ name, value }: Setting): Settings {
  if (name.startsWith(OWN_PREFIX)) return ownSetting(name.slice(OWN_PREFIX.length), value);
  if (Object.hasOwn(MEANINGS, name)) return MEANINGS[name]!(value);
  if (WITHOUT_EFFECT_PREFIXES.some((prefix) => name.startsWith(prefix))) return {};
  if (Object.hasOwn(WITHOUT_EFFECT, name)) {
    const values = WITHOUT_EFFECT[name]!;
    if (values === null || values.includes(value)) return {};
  }
  throw new Unsupported(`the setting ${name}=${value} means nothing to the stack`);
}

function ownSetting(name: string, value: string): Settings {
  const defaults: Readonly<Record<string, unknown>> = { ...defaultConfig() };
  if (!Object.hasOwn(defaults, name)) throw new Unsupported(`a connection has no setting "${name}"`);
  if (name === 'congestion') return { congestion: controller(value) };
  const kind = typeof defaults[name];
  if (kind === 'number') return { [name]: number(value) };
  if (kind === 'boolean') return { [name]: value === '1' || value === 'true' };
  return { [name]: value };
}

function number(value: string): number {
  const found = Number(value);
  if (value === '' || !Number.isFinite(found)) throw new Unsupported(`"${value}" is no number`);
  return found;
}

function oneOf<T>(value: string, meanings: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(meanings, value)) return meanings[value]!;
  throw new Unsupported(`the value ${value} of a setting means nothing to the stack`);
}

function controller(name: string): ConnectionConfig['congestion'] {
  const factory = controllerNamed(name);
  if (factory === null) throw new Unsupported(`there is no congestion controller "${name}"`);
  return factory;
}
