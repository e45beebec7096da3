// `synwave/wire`: the codec as its own entry point. Headers, options, checksums, addresses and sequence numbers; no
// sockets, no state, no Node API.
export * from './address.js';
export * from './arp.js';
export * from './checksum.js';
export * from './ethernet.js';
export * from './icmp.js';
export * from './icmp-quote.js';
export * from './icmpv6.js';
export * from './ipv4.js';
export * from './ipv6.js';
export * from './ipv6-extensions.js';
export * from './layout.js';
export * from './mac.js';
export * from './mld.js';
export * from './ndp.js';
export * from './packet.js';
export * from './parse-error.js';
export * from './payload.js';
export * from './protocol.js';
export * from './segment.js';
export * from './seq.js';
export * from './tcp.js';
export * from './tcp-options.js';
export * from './tcp-options-decode.js';
export * from './transport-header.js';
