// The defaults of every setting of a connection. What each means, and its source, stands in `config.ts`.
import type { ConnectionConfig } from './config.js';
import { cubic } from './congestion/cubic.js';
import { shiftFor } from './window.js';

/** For Ethernet-sized packets over IPv4. */
const DEFAULTS: ConnectionConfig = {
  receiveMss: 1460,
  pathMss: 1460,
  joinedSendBytes: 0,
  sendBufferBytes: 524_288,
  sendBufferMaxBytes: 16_777_216,
  receiveBufferBytes: 262_144,
  receiveBufferMaxBytes: 16_777_216,
  windowScale: 8,
  sack: true,
  timestamps: true,
  ecn: 'accept',
  nagle: true,
  delayedAckMs: 40,
  rtoInitialMs: 1000,
  rtoMinMs: 200,
  rtoMaxMs: 60_000,
  r1Retransmissions: 3,
  r2Ms: 900_000,
  r2SynMs: 180_000,
  synAckRetries: 5,
  userTimeoutMs: 0,
  keepAlive: false,
  keepAliveIdleMs: 7_200_000,
  keepAliveIntervalMs: 75_000,
  keepAliveProbes: 9,
  mslMs: 30_000,
  finWait2Ms: 60_000,
  orphanMs: 120_000,
  synData: 'queue',
  synDataBytes: 1460,
  fastOpen: false,
  fastOpenPending: 16,
  synCookies: 'full',
  reassemblySegments: 1024,
  peerMssFloor: 64,
  challengeAckLimit: 10,
  challengeAckWindowMs: 5000,
  rfc1337: true,
  dscp: 0,
  ttl: 64,
  reportSoftErrors: true,
  probeBaseMss: 1024,
  initialWindowSegments: 10,
  congestion: cubic,
};

/** A fresh copy of the defaults. */
export function defaultConfig(): ConnectionConfig {
  return { ...DEFAULTS };
}

/**
 * The defaults with some of them replaced. A buffer of a chosen size stays at it, unless a greatest size is chosen too; a
 * send buffer whose greatest size alone is chosen does not begin with more.
 * The window scale follows a larger receive buffer, unless it is chosen.
 */
export function configWith(chosen: Partial<ConnectionConfig> = {}): ConnectionConfig {
  const config = { ...defaultConfig(), ...chosen };
  const most = config.sendBufferMaxBytes;
  if (chosen.sendBufferBytes === undefined && most > 0) {
    config.sendBufferBytes = Math.min(config.sendBufferBytes, most);
  }
  if (chosen.sendBufferBytes !== undefined) config.sendBufferMaxBytes = chosen.sendBufferMaxBytes ?? 0;
  if (chosen.receiveBufferBytes !== undefined)
    config.receiveBufferMaxBytes = chosen.receiveBufferMaxBytes ?? 0;
  if (chosen.windowScale === undefined) {
    const largest = Math.max(config.receiveBufferBytes, config.receiveBufferMaxBytes);
    config.windowScale = shiftFor(largest, config.windowScale);
  }
  return config;
}
