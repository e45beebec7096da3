// Where `node:net` has changed its mind, ours follows the Node that it runs on.

/**
 * Since Node 22 a host must be text, `maxConnections` 0 lets nobody in, ending a socket without a connection is done at
 * once, and a write that destroying cut short is ECANCELED.
 */
export const SINCE_NODE_22 = Number(process.versions.node.split('.', 1)[0]) >= 22;
