// Where `node:net` has changed its mind, ours follows the Node that it runs on.

/** Since Node 22 a host must be text, `maxConnections` 0 lets nobody in, and ending a socket without a connection is done at once. */
export const SINCE_NODE_22 = Number(process.versions.node.split('.', 1)[0]) >= 22;
