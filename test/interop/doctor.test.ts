// Every row of the doctor, failing: the cause is brought about in namespaces of its own, and where there is a remedy to
// carry out, that is done and looked at again.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../../src/cli/doctor/check.js';
import { newMarker } from '../../src/cli/ownership.js';
import { tunLink } from '../../src/link/tun.js';
import { addonCandidates, packageRoot } from '../../src/native/load.js';
import { Lab, obstacle } from './lab.js';

const skip = obstacle('unshare', 'setarch', 'setpriv', 'nft', 'ethtool', 'nc');
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const HEALTHY = ['ok', 'skip'];

/** Where and how the doctor is asked. */
interface Case {
  /** Shell commands before it, in a mount and network namespace of its own. */
  readonly setup?: string;
  /** Words in front of `node`, such as `setpriv …`. */
  readonly by?: readonly string[];
  /** Options of Node. */
  readonly node?: readonly string[];
  /** Words behind the name of the check. */
  readonly words?: readonly string[];
  /** The namespace that is made for it; `pid` also has it believe to be on the machine itself. */
  readonly space?: 'net' | 'pid';
}

interface Row extends Omit<Finding, 'fix'> {
  readonly fix: string | null;
}

const NOTHING_ON_PATH = ['env', 'PATH=/nonexistent'];
const NO_RIGHTS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

/** Asks for one check, and returns its rows. */
async function ask(
  t: TestContext,
  check: string,
  { setup = ':', by = [], node = [], words = [], space = 'net' }: Case,
) {
  const lab = Lab.open(t);
  const own = space === 'pid' ? ['--pid', '--fork', '--kill-child', '--mount-proc'] : [];
  const doctor = [...by, process.execPath, ...node, MAIN, 'doctor', check, '--json', ...words];
  const script = `set -e; ip link set lo up; { ${setup}; } || exit 99; exec "$@"`;
  const ended = await lab.run([
    'env',
    `SYNWAVE_RUNTIME_DIR=${lab.file('claims')}`,
    'unshare',
    '--mount',
    '--net',
    ...own,
    'sh',
    '-c',
    script,
    'sh',
    ...doctor,
  ]);
  assert.notEqual(ended.stdout, '', `the doctor answers: ${ended.stderr}`);
  const { ok, checks } = JSON.parse(ended.stdout) as { ok: boolean; checks: Row[] };
  assert.equal(ended.status, ok ? 0 : 3);
  return checks;
}

/** Asks for a check of one row. */
async function askOne(t: TestContext, check: string, how: Case): Promise<Row> {
  const [row, ...others] = await ask(t, check, how);
  assert.deepEqual([row?.check, others.length], [check, 0]);
  if (!HEALTHY.includes(row!.verdict))
    assert.ok(row!.meaning && row!.remedy, 'what it means, and what to do');
  return row!;
}

/** Defines a test that a check ends so, and says this. */
function finds(title: string, check: string, verdict: Finding['verdict'], words: RegExp, how: Case): void {
  test(`${check}: ${title}`, { skip }, async (t) => {
    const row = await askOne(t, check, how);
    assert.equal(row.verdict, verdict, JSON.stringify(row));
    assert.match(`${row.found} ${row.meaning ?? ''} ${row.remedy ?? ''}`, words);
  });
}

/** Defines a test that `--fix` mends what a check finds. */
function mends(check: string, how: Case): void {
  test(`${check}: --fix mends it`, { skip }, async (t) => {
    const before = await askOne(t, check, how);
    assert.notEqual(before.fix, null, 'the remedy is marked');
    const after = await askOne(t, check, { ...how, words: [...(how.words ?? []), '--fix'] });
    assert.equal(after.verdict, 'ok', JSON.stringify(after));
  });
}

const RAW = ['--link', 'raw:10.9.0.2'];
const ETHERNET = ['--link', 'ethernet:eth0', '--addr', '10.9.0.2/24'];
const CABLE = 'ip link add eth0 type veth peer name eth1 && ip link set eth0 up && ip link set eth1 up';
const OWNED = `${CABLE} && ip addr add 10.9.0.2/24 dev eth0`;
const HIDE_NFT = 'mount --bind /dev/null "$(command -v nft)"';
const root = packageRoot();
/** The machine's own root: in a user namespace nobody may make device nodes. */
const isRealRoot = /^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'utf8'));

function hide(path: string): string {
  return `mount -t tmpfs tmpfs "${path}"`;
}

describe('the doctor', { concurrency: 3 }, () => {
  finds('an old kernel', 'os', 'FAIL', /Linux 2\.6.*before 4\.9/, { by: ['setarch', '--uname-2.6'] });
  finds('an old Node', 'node', 'FAIL', /Node 18\.0\.0.*need 20/, {
    node: [
      '--import',
      'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"18.0.0"})',
    ],
  });
  const addons = addonCandidates(root).filter((file) => existsSync(file));
  const hideAddon = addons.map((file) => `mount --bind /dev/null "${file}"`).join(' && ');
  finds('a binding that does not load', 'native', 'FAIL', /did not load.*npm run build:native/, {
    setup: hideAddon,
  });
  const package_ = (name: string) => join(root, 'node_modules', name);
  const hidePackage = (name: string) => (existsSync(package_(name)) ? hide(package_(name)) : ':');
  finds('not installed', 'raw-socket', 'FAIL', /not installed.*npm install/, {
    setup: hidePackage('raw-socket'),
    words: RAW,
  });
  finds('does not load', 'raw-socket', 'FAIL', /does not load.*npm rebuild/, {
    setup: `mount --bind /dev/null "${join(package_('raw-socket'), 'build', 'Release', 'raw.node')}"`,
    words: RAW,
  });
  finds('no package cap, which is not needed', 'driver', 'ok', /packet sockets/, {
    setup: hidePackage('cap'),
    words: ETHERNET,
  });
  finds('libpcap in place of packet sockets', 'driver', 'warn', /did not load.*libpcap.*build:native/, {
    setup: hideAddon,
    words: ETHERNET,
  });
  finds(
    'neither packet sockets nor libpcap',
    'driver',
    'FAIL',
    /did not load.*build:native.*npm install cap/,
    {
      setup: `${hideAddon} && ${hidePackage('cap')}`,
      words: ETHERNET,
    },
  );
  finds('no capability, and no way around', 'rights', 'FAIL', /no CAP_NET_ADMIN.*sudo.*--cap-add/, {
    by: [...NO_RIGHTS, ...NOTHING_ON_PATH],
  });
  finds('no capability for raw sockets', 'rights', 'FAIL', /no CAP_NET_RAW and CAP_NET_ADMIN.*sudo/, {
    by: NO_RIGHTS,
    words: RAW,
  });
  finds('no capability for captures', 'rights', 'FAIL', /CAP_NET_RAW.*ethernet.*sudo/, {
    by: NO_RIGHTS,
    words: ETHERNET,
  });
  const noNode = hide('/dev/net');
  finds('no device node', 'tun-node', 'FAIL', /ENOENT.*modprobe tun.*mknod/, { setup: noNode });
  if (isRealRoot) {
    mends('tun-node', { setup: noNode });
    finds('a node that is closed to us', 'tun-node', 'FAIL', /EACCES.*Run as root/, {
      setup: `${noNode} && mknod -m 000 /dev/net/tun c 10 200`,
      by: NO_RIGHTS,
    });
    finds('a node without a driver', 'tun-node', 'FAIL', /ENXIO|ENODEV/, {
      setup: `${noNode} && mknod /dev/net/tun c 10 7`,
    });
  }
  finds('no iproute2', 'iproute2', 'FAIL', /apt-get install iproute2/, { by: NOTHING_ON_PATH });
  for (const kind of ['tun', 'tap']) {
    finds(`no ${kind} can be made`, 'tun-create', 'FAIL', /No stack can open its link|refused/, {
      setup: noNode,
      words: ['--link', `${kind}:lab0`],
    });
  }
  finds('on the machine itself', 'netns', 'warn', /own network namespace.*Leave --netns out/, {
    space: 'pid',
    words: ['--netns', 'host'],
  });
  const taken =
    'ip link add other type veth peer name end && ip addr add 10.9.0.77/24 dev other && ip link set other up';
  finds('a network that an interface has', 'address-clash', 'FAIL', /10\.9\.0\.2\/24 overlaps other/, {
    setup: taken,
    words: ['--netns', 'host'],
  });
  finds('the same, out of the way', 'address-clash', 'warn', /Harmless inside a namespace/, { setup: taken });
  finds('an address of the kernel', 'route', 'FAIL', /kernel would answer/, {
    setup: 'ip addr add 10.9.0.2/24 dev lo',
    words: ['--netns', 'host'],
  });
  finds('another way', 'route', 'warn', /goes by other.*Choose another --addr/, {
    setup: taken,
    words: ['--netns', 'host'],
  });
  finds('no such interface', 'interface', 'FAIL', /no interface eth0/, { words: ETHERNET });
  finds('an interface that is down', 'interface', 'FAIL', /eth0 is down.*ip link set dev eth0 up/, {
    setup: 'ip link add eth0 type veth peer name eth1',
    words: ETHERNET,
  });
  finds('an interface of another kind', 'interface', 'FAIL', /kind none.*--link tun/, {
    setup: 'ip tuntap add dev eth0 mode tun && ip link set eth0 up',
    words: ETHERNET,
  });
  finds('an address of the host', 'address-free', 'FAIL', /10\.9\.0\.2 \(eth0\).*free address/, {
    setup: OWNED,
    words: ETHERNET,
  });
  finds('work left to the device that is told', 'offloads', 'ok', /as the kernel has them/, {
    setup: CABLE,
    words: ETHERNET,
  });
  const byLibpcap = `${CABLE} && ${hideAddon}`;
  finds('work left to the device', 'offloads', 'warn', /tx, tso, gso.*ethtool -K eth0 tx off/, {
    setup: byLibpcap,
    words: ETHERNET,
  });
  mends('offloads', { setup: byLibpcap, words: ETHERNET });
  finds('an address of somebody else', 'raw-address', 'FAIL', /not an address of this host.*broadcast/, {
    setup: CABLE,
    words: RAW,
  });
  finds('a port in use', 'ports', 'FAIL', /listens on TCP port 4000.*ss -tnap/, {
    setup: `${OWNED} && { nc -l 4000 >/dev/null 2>&1 & } && until ss -Htln | grep -q :4000; do :; done`,
    space: 'pid',
    words: [...RAW, '--port', '4000'],
  });
  finds(
    'no nft',
    'rst-guard',
    'FAIL',
    /nft was not found.*RST.*apt-get install nftables.*iptables -I OUTPUT/,
    {
      setup: `${OWNED} && ${HIDE_NFT}`,
      words: RAW,
    },
  );
  finds('no right to set rules', 'rst-guard', 'FAIL', /CAP_NET_ADMIN is missing/, {
    setup: OWNED,
    by: NO_RIGHTS,
    words: RAW,
  });
  finds('not needed', 'rst-guard', 'ok', /owns none/, {
    setup: `${CABLE} && ip route add broadcast 10.9.0.2 dev eth0 table local && ${HIDE_NFT}`,
    words: RAW,
  });
  finds('a router', 'forwarding', 'warn', /ip_forward = 1|ipv4\.ip_forward/, {
    setup: `${CABLE} && ip route add broadcast 10.9.0.2 dev eth0 table local && echo 1 >/proc/sys/net/ipv4/ip_forward`,
    words: RAW,
  });
  finds('a rule on invalid states', 'firewall', 'warn', /ct state invalid drop/, {
    setup: `nft 'table inet f { chain in { type filter hook input priority 0; ct state invalid drop; }; }'`,
    words: ['--netns', 'host'],
  });
  finds('no netem, which is no fault', 'netem', 'ok', /not available.*our own link/, { by: NOTHING_ON_PATH });
  test('tools: each that is missing is named, with its package', { skip }, async (t) => {
    const tools = ['tshark', 'curl', 'ss', 'ping', 'tcpdump', 'python3', 'nsenter'];
    const rows = await ask(t, tools[0]!, { by: NOTHING_ON_PATH, words: tools.slice(1) });
    assert.deepEqual(
      rows.map(({ check }) => check),
      tools,
    );
    for (const { check, verdict, found, remedy } of rows) {
      // Without nsenter no command gets to the kernel's side.
      assert.equal(verdict, check === 'nsenter' ? 'FAIL' : 'warn');
      assert.match(`${found} ${remedy}`, new RegExp(`${check} not found apt-get install`));
    }
  });
  finds('missing', 'nc', 'warn', /not found.*netcat-openbsd/, { by: NOTHING_ON_PATH });
  finds('of another flavour', 'nc', 'warn', /GNU netcat.*has no -N/, {
    setup:
      'mkdir -p /run/fake && printf "#!/bin/sh\\necho GNU netcat 0.7.1\\n" >/run/fake/nc && chmod +x /run/fake/nc',
    by: ['env', `PATH=/run/fake:${process.env.PATH}`],
  });
  finds('no /proc/sys', 'kernel-knobs', 'skip', /not readable/, { setup: hide('/proc/sys/net/ipv4') });
  finds('timers that come late', 'clock', 'warn', /late by \d+/, {
    node: [
      '--import',
      'data:text/javascript,setInterval(()=>{const e=Date.now()+70;while(Date.now()<e);},1).unref()',
    ],
  });
});

test('device-free: a device that is open in another process', { skip }, async (t) => {
  const lab = Lab.open(t);
  const link = await tunLink({ name: 'lab7', netns: lab.netns });
  t.after(() => link.close());
  const argv = [process.execPath, MAIN, 'doctor', 'device-free', '--json', '--netns', lab.netns];
  const ended = await lab.startOutside([...argv, '--link', 'tun:lab7']).ended;
  const { checks } = JSON.parse(ended.stdout) as { checks: Row[] };
  assert.equal(checks[0]?.verdict, 'warn', ended.stderr);
  assert.match(checks[0]!.found, new RegExp(`lab7 in ${lab.netns} is open in process ${process.pid} `));
});

test('ipv6-noise: a device that somebody made with IPv6 on; --fix mends it', { skip }, async (t) => {
  const lab = Lab.open(t);
  await lab.run(['ip', 'tuntap', 'add', 'dev', 'lab0', 'mode', 'tun']);
  const examine = async (...more: string[]) => {
    const argv = [process.execPath, MAIN, 'doctor', 'ipv6-noise', '--json', '--netns', lab.netns, ...more];
    const ended = await lab.startOutside(argv).ended;
    return (JSON.parse(ended.stdout) as { checks: Row[] }).checks[0]!;
  };
  const before = await examine();
  assert.equal(before.verdict, 'warn');
  assert.match(before.found, /IPv6 is on for lab0/);
  assert.equal((await examine('--fix')).verdict, 'ok');
});

test('leftovers: a claim of a dead process; --fix removes it', { skip }, async (t) => {
  const claims = mkdtempSync(join(tmpdir(), 'synwave-doctor-'));
  t.after(() => rmSync(claims, { recursive: true, force: true }));
  const lab = Lab.open(t);
  const dead = { ...newMarker('synwave-gone', 'echo', false), startTime: '1' };
  writeFileSync(join(claims, 'synwave-gone.1.json'), JSON.stringify(dead));
  const examine = async (...more: string[]) => {
    const argv = [
      'env',
      `SYNWAVE_RUNTIME_DIR=${claims}`,
      process.execPath,
      MAIN,
      'doctor',
      'leftovers',
      '--json',
    ];
    const ended = await lab.startOutside([...argv, ...more]).ended;
    return (JSON.parse(ended.stdout) as { checks: Row[] }).checks[0]!;
  };
  const before = await examine();
  assert.equal(before.verdict, 'warn');
  assert.match(before.found, /synwave-gone \(echo, process \d+\)/);
  assert.equal(before.fix, 'synwave clean');
  assert.equal((await examine('--fix')).verdict, 'ok');
});
