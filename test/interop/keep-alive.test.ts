// The cases of keep-alive against the kernel: they say what a socket of Linux has below `node:net`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { expectedStates, keepAliveProgram } from '../net/keep-alive-cases.js';
import { obstacle } from './lab.js';

/** Runs node, and for each descriptor that it prints asks a duplicate of it for its options. */
const WATCHER = `
import ctypes, json, os, socket, subprocess, sys
PIDFD_GETFD = 438
node = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
process = os.pidfd_open(node.pid)
system = ctypes.CDLL(None, use_errno=True)
found = []
for line in node.stdout:
    own = system.syscall(PIDFD_GETFD, process, int(line), 0)
    if own < 0:
        raise OSError(ctypes.get_errno(), 'pidfd_getfd')
    with socket.socket(fileno=own) as s:
        tcp = lambda option: s.getsockopt(socket.IPPROTO_TCP, option)
        found.append({
            'on': s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0,
            'idle': tcp(socket.TCP_KEEPIDLE),
            'interval': tcp(socket.TCP_KEEPINTVL),
            'probes': tcp(socket.TCP_KEEPCNT),
        })
    node.stdin.write(b'.')
    node.stdin.flush()
print(json.dumps(found))
`;

/** Prints the descriptor, and waits until it was looked at. */
const SHOW = `
  console.log(socket._handle.fd);
  await once(process.stdin, 'data');
`;

test('setKeepAlive of node:net sets these options of the kernel', { skip: obstacle('python3') }, () => {
  const program = [process.execPath, '--input-type=module', '-e', keepAliveProgram(SHOW)];
  const { stdout, stderr } = spawnSync('python3', ['-c', WATCHER, ...program], { encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  assert.deepEqual(JSON.parse(stdout), expectedStates());
});
