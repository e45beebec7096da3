// The public API of synwave. What is not named here or in `synwave/wire` may change without notice.
export { type CreateStackOptions, createStack, type SynwaveStack } from './create-stack.js';
export { defaultStack, setDefaultStack } from './default-stack.js';
export { type CaptureLink, captureLink, type PacketRecorder } from './link/capture.js';
export { EthernetError, type EthernetLink, type EthernetLinkOptions, ethernetLink } from './link/ethernet.js';
export { type ImpairedLink, impair } from './link/impair.js';
export { RuleError } from './link/impair-numbers.js';
export type { ActEvent, Impairments, ImpairOptions } from './link/impair-options.js';
export { parseRule } from './link/impair-rule-text.js';
export { act, type Rule, type RuleAct, type RuleMatch } from './link/impair-rules.js';
export { type MemoryLinkOptions, memoryLinkPair } from './link/memory.js';
export { nullLink } from './link/null.js';
export { RawError, type RawLink, type RawLinkOptions, rawLink } from './link/raw.js';
export { type TapLink, type TapLinkOptions, tapLink } from './link/tap.js';
export { TunError, type TunLink, type TunLinkOptions, tunLink } from './link/tun.js';
export type { AddressInfo } from './net/addresses.js';
export type { SystemError } from './net/errors.js';
export { createNet, type Net } from './net/net.js';
export type { NetStack } from './net/net-stack.js';
export type {
  CreateConnectionOptions,
  ListenArguments,
  ServerOptions,
  SocketConnectOptions,
  SocketOptions,
} from './net/options.js';
export type { Server } from './net/server.js';
export type { Socket } from './net/socket.js';
export type { TcpOptions } from './net/tcp-options.js';
export { type LadderDocument, type LadderOptions, type LadderTrace, ladderTrace } from './observe/ladder.js';
export { createLogger, type LoggerOptions } from './observe/logger.js';
export { type PcapngOptions, PcapngWriter } from './observe/pcapng.js';
export { pinoTrace } from './observe/pino.js';
export { RecorderGroup } from './observe/recorder-group.js';
export { commentTrace } from './observe/state-comments.js';
export { TraceHub } from './observe/trace-hub.js';
export { type Clock, SystemClock, VirtualClock } from './stack/clock.js';
export type { Endpoint, EndpointHandler } from './stack/endpoint.js';
export type { DuplicateDetection } from './stack/ethernet/address-claims.js';
export type { RouteOptions } from './stack/ethernet/routes.js';
export { DEFAULT_LIMITS, type Limits } from './stack/limits.js';
export type {
  EthernetIdentity,
  Link,
  LinkOffload,
  LinkReceiver,
  PacketBatch,
  PacketOffload,
} from './stack/link.js';
export { PacketHint } from './stack/link.js';
export type { Listener, ListenerHandler } from './stack/listener.js';
export type { StackNotice } from './stack/notices.js';
export { Stack, type StackOptions } from './stack/stack.js';
export type { StackStats } from './stack/stats.js';
export type { StackTrace } from './stack/trace.js';
export type { ConnectionConfig } from './tcp/config.js';
export type { AckSample, Controller, ControllerFactory } from './tcp/congestion/controller.js';
export { newReno } from './tcp/congestion/newreno.js';
export { CONTROLLER_NAMES, controllerNamed } from './tcp/congestion/registry.js';
export { type Connection, type ConnectionStatus, Event } from './tcp/connection.js';
export { defaultConfig } from './tcp/defaults.js';
export type { Cause, EndExplanation, Explanation, SlowExplanation } from './tcp/explain.js';
export type { TcpInfo } from './tcp/info.js';
export type { LimitName } from './tcp/limit.js';
export { STATE_NAMES, State, TRANSITIONS, type Transition } from './tcp/state.js';
export type { Trace } from './tcp/trace.js';
export { IpAddress } from './wire/address.js';
export { MacAddress } from './wire/mac.js';
export type { WorkerMetrics, WorkersListenOptions } from './workers/protocol.js';
export {
  type StackWorkers,
  type StackWorkersOptions,
  stackWorkers,
  type WorkerFailure,
} from './workers/stack-workers.js';
export type { StackWorker, WorkerModule, WorkerService } from './workers/worker.js';
