// Every way in which a TUN device refuses to open, brought about for real, and what the user is told.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type TunLinkOptions, tunLink } from '../../src/link/tun.js';
import { findTunOwner } from '../../src/native/tun-owner.js';
import { execute, type Finished, hasTool, TestNamespace, whyNoDevices } from './test-namespace.js';

const script = new URL('./open-once.js', import.meta.url).pathname;
const skip = whyNoDevices();

interface Report {
  code?: string;
  errno?: number;
  syscall?: string;
  message?: string;
  opened?: { name: string; persistent: boolean };
}

function reportOf(finished: Finished): Report {
  assert.equal(finished.status, 0, finished.stderr);
  return JSON.parse(finished.stdout) as Report;
}

const missing = (...tools: string[]) => {
  const absent = tools.filter((tool) => !hasTool(tool));
  return absent.length > 0 ? `needs ${absent.join(', ')}` : false;
};

describe('interface names', { skip: process.platform !== 'linux' && 'TUN devices are Linux only' }, () => {
  const bad = [
    'sixteen-letters-',
    'ümläutümläut',
    'a b',
    'a/b',
    'a:b',
    '.',
    '..',
    'a\0b',
    'tab\t',
    '%s',
    '%d%d',
    'x%',
  ];
  for (const name of bad) {
    it(`refuses ${JSON.stringify(name)} before the kernel is asked`, async () => {
      await assert.rejects(tunLink({ name }), { code: 'ERR_SYNWAVE_TUN_NAME', syscall: undefined });
    });
  }

  it('says that a long name is too long', async () => {
    await assert.rejects(tunLink({ name: 'x'.repeat(16) }), /at most 15 letters/);
  });

  it('refuses numbers out of range and addresses without a prefix', async () => {
    await assert.rejects(tunLink({ mtu: 67 }), { code: 'ERR_OUT_OF_RANGE' });
    await assert.rejects(tunLink({ mtu: 1500.5 }), { code: 'ERR_OUT_OF_RANGE' });
    await assert.rejects(tunLink({ busyPollUs: -1 }), { code: 'ERR_OUT_OF_RANGE' });
    await assert.rejects(tunLink({ hostAddress: '10.9.0.1' }), { code: 'ERR_SYNWAVE_TUN_ADDRESS' });
    await assert.rejects(tunLink({ netns: 'synwave-no-such-namespace' }), { code: 'ENOENT' });
  });
});

describe('opening a device', { skip }, () => {
  const namespace = skip === false ? new TestNamespace() : null!;
  const netns = namespace?.name;
  after(() => namespace?.remove());

  it('EBUSY: names the process that has the device open', async () => {
    const link = await tunLink({ name: 'busy0', netns });
    try {
      const child = reportOf(await namespace.execute(process.execPath, script, '{"name":"busy0"}'));
      assert.equal(child.code, 'EBUSY');
      assert.equal(child.syscall, 'TUNSETIFF');
      assert.match(
        child.message!,
        new RegExp(`busy0 is already open in another process \\(pid ${process.pid},`),
      );
      await assert.rejects(tunLink({ name: 'busy0', netns }), /already open in this process/);
      assert.equal((await findTunOwner('busy0', namespace.path))?.pid, process.pid);
      assert.equal(await findTunOwner('busy1', namespace.path), null);
    } finally {
      await link.close();
    }
  });

  it('EINVAL: the name belongs to an interface of another kind', async () => {
    await assert.rejects(tunLink({ name: 'lo', netns }), {
      code: 'EINVAL',
      message: /interface of another kind/,
    });
  });

  it('a namespace path that is missing or no namespace', async () => {
    await assert.rejects(tunLink({ netns: '/run/netns/synwave-none' }), {
      code: 'ENOENT',
      message: /does not exist/,
    });
    await assert.rejects(tunLink({ netns: '/etc/passwd' }), {
      code: 'EINVAL',
      syscall: 'setns',
      message: /is not a network namespace/,
    });
  });

  it('failing to open leaves the process in its own namespace, with no descriptor open', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const home = statSync('/proc/thread-self/ns/net').ino;
    for (let i = 0; i < 50; i++) await assert.rejects(tunLink({ name: 'lo', netns }), { code: 'EINVAL' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
    assert.equal(statSync('/proc/thread-self/ns/net').ino, home);
  });

  it('EPERM without CAP_NET_ADMIN', { skip: missing('setpriv') }, async () => {
    const without = [
      'setpriv',
      '--bounding-set=-net_admin',
      '--inh-caps=-net_admin',
      process.execPath,
      script,
    ] as const;
    const child = reportOf(await namespace.execute(...without, '{"name":"perm0"}'));
    assert.equal(child.code, 'EPERM', child.message);
    assert.equal(child.syscall, 'TUNSETIFF');
    assert.ok(child.errno! < 0);
    assert.match(
      child.message!,
      /CAP_NET_ADMIN is missing.*sudo.*--cap-add NET_ADMIN --device \/dev\/net\/tun/,
    );
  });

  it('setns without CAP_SYS_ADMIN', { skip: missing('setpriv') }, async () => {
    const argv = ['--bounding-set=-sys_admin', '--inh-caps=-sys_admin', process.execPath, script];
    const child = reportOf(await execute('setpriv', [...argv, JSON.stringify({ netns: namespace.path })]));
    assert.equal(child.code, 'EPERM');
    assert.match(child.message!, /CAP_SYS_ADMIN is missing/);
  });

  it('EACCES (or EPERM, where anybody may read the node) for an ordinary user', {
    skip: missing('setpriv'),
  }, async () => {
    const user = [
      'setpriv',
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--clear-groups',
      process.execPath,
      script,
    ] as const;
    const child = reportOf(await namespace.execute(...user, '{"name":"user0"}'));
    const readable = (statSync('/dev/net/tun').mode & 0o006) === 0o006;
    assert.equal(child.code, readable ? 'EPERM' : 'EACCES');
    assert.match(child.message!, readable ? /CAP_NET_ADMIN/ : /not readable by you: run as root/);
  });

  it('an ordinary user who may read the node: EPERM, but not for a persistent device of his own', {
    skip: missing('setpriv', 'unshare', 'mount', 'mknod'),
  }, async (t) => {
    namespace.ip('tuntap', 'add', 'name', 'mine0', 'mode', 'tun', 'user', '65534');
    const open = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$0" "$@"';
    const user = [
      'setpriv',
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--clear-groups',
      process.execPath,
      script,
    ];
    const run = (json: string) => namespace.execute('unshare', '-m', 'sh', '-c', open, ...user, json);
    const own = await run('{"name":"mine0"}');
    if (own.status !== 0) return t.skip(`cannot replace /dev/net/tun: ${own.stderr}`);
    assert.deepEqual(reportOf(own).opened, { name: 'mine0', persistent: true });
    const other = reportOf(await run('{"name":"other0"}'));
    assert.equal(other.code, 'EPERM');
    assert.match(other.message!, /ip tuntap add mode tun user/);
  });

  it('ENOENT: /dev/net/tun is missing', { skip: missing('unshare', 'mount') }, async (t) => {
    const hide = 'mount -t tmpfs none /dev/net && exec "$0" "$@"';
    const finished = await execute('unshare', [
      '-m',
      'sh',
      '-c',
      hide,
      process.execPath,
      script,
      '{"name":"gone0"}',
    ]);
    if (finished.status !== 0) return t.skip(`cannot hide /dev/net: ${finished.stderr}`);
    const child = reportOf(finished);
    assert.equal(child.code, 'ENOENT');
    assert.equal(child.syscall, 'open');
    assert.match(child.message!, /modprobe tun.*mkdir -p \/dev\/net && mknod \/dev\/net\/tun c 10 200/);
  });

  it('ENXIO or ENODEV: a node with no driver behind it', {
    skip: missing('unshare', 'mount', 'mknod'),
  }, async (t) => {
    const hide = 'mount -t tmpfs -o dev none /dev/net && mknod /dev/net/tun c 10 249 && exec "$0" "$@"';
    const finished = await execute('unshare', [
      '-m',
      'sh',
      '-c',
      hide,
      process.execPath,
      script,
      '{"name":"gone0"}',
    ]);
    if (finished.status !== 0) return t.skip(`cannot replace /dev/net/tun: ${finished.stderr}`);
    const child = reportOf(finished);
    assert.ok(child.code === 'ENXIO' || child.code === 'ENODEV', child.code);
    assert.match(child.message!, /no TUN driver behind it.*modprobe tun/);
  });

  it('a missing `ip` is named, and the device is let go', {
    skip: missing('unshare', 'mount'),
  }, async (t) => {
    // An empty file system over every folder that may hold `ip`, the one with `mount` last; Node moves out before.
    const folders = [
      ...new Set(['/sbin', '/usr/sbin', '/bin', '/usr/bin', '/usr/local/bin'].map((f) => realpathSync(f))),
    ];
    folders.sort((a, b) => Number(existsSync(`${a}/mount`)) - Number(existsSync(`${b}/mount`)));
    const shelter = mkdtempSync(join(tmpdir(), 'synwave-test-'));
    const steps = [
      `mount -t tmpfs none ${shelter}`,
      `touch ${shelter}/node`,
      `mount --bind ${realpathSync(process.execPath)} ${shelter}/node`,
      ...folders.map((folder) => `mount -t tmpfs none ${folder}`),
      `exec ${shelter}/node "$0" "$@"`,
    ];
    try {
      const hidden = ['-m', 'sh', '-c', steps.join(' && '), script, '{"name":"noip0"}'];
      const finished = await namespace.execute('unshare', ...hidden);
      if (finished.status !== 0) return t.skip(`cannot hide ip: ${finished.stderr}`);
      const child = reportOf(finished);
      assert.equal(child.code, 'ERR_SYNWAVE_IP_MISSING', child.message);
      assert.match(child.message!, /apt-get install iproute2/);
      assert.equal(namespace.has('noip0'), false);
    } finally {
      rmSync(shelter, { recursive: true });
    }
  });

  it('an address that the kernel refuses is reported with the words of `ip`', async () => {
    const options: TunLinkOptions = { name: 'addr0', netns, hostAddress: '10.9.0.1/77' };
    await assert.rejects(tunLink(options), {
      code: 'ERR_SYNWAVE_TUN_CONFIG',
      message: /ip -n .* address add 10\.9\.0\.1\/77/,
    });
    assert.equal(namespace.has('addr0'), false, 'the half-made device is gone');
  });
});
