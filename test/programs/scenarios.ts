// The list of everything that runs over a `net`, in both roles.
import { HTTP_SCENARIOS } from './http-scenarios.js';
import { HTTP2_SCENARIOS } from './http2-scenarios.js';
import type { Scenario } from './place.js';
import { TLS_SCENARIOS } from './tls-scenarios.js';
import { UNDICI_SCENARIOS } from './undici-scenarios.js';
import { WEBSOCKET_SCENARIOS } from './websocket-scenarios.js';

/** All scenarios, each under a name of its own. */
export const SCENARIOS: readonly Scenario[] = [
  ...HTTP_SCENARIOS,
  ...TLS_SCENARIOS,
  ...HTTP2_SCENARIOS,
  ...WEBSOCKET_SCENARIOS,
  ...UNDICI_SCENARIOS,
];
