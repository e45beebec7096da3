// Debian's servers on the kernel's side: each with its own configuration and data in the lab's folder, in the lab's
// namespace only, ready when the function resolves and gone with the lab.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '../programs/place.js';
import { KERNEL, type Lab, type Program, until } from './lab.js';

/** Longest data that a ready daemon reports in an error. */
const SHOWN_OUTPUT = 2000;

async function ready(name: string, program: Program, condition: () => boolean): Promise<void> {
  const words = () => (program.stdout() + program.stderr()).slice(-SHOWN_OUTPUT);
  await until(`${name} is ready`, () => condition() || program.child.exitCode !== null);
  assert.equal(program.child.exitCode, null, `${name} has ended: ${words()}`);
}

// ---- PostgreSQL

const POSTGRESQL_ROOT = '/usr/lib/postgresql';

/** The folder with the programs of the newest PostgreSQL, or null. */
export function postgresqlPrograms(): string | null {
  if (!existsSync(POSTGRESQL_ROOT)) return null;
  const versions = readdirSync(POSTGRESQL_ROOT).sort((a, b) => Number(b) - Number(a));
  const folders = versions.map((version) => join(POSTGRESQL_ROOT, version, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'postgres'))) ?? null;
}

/**
 * PostgreSQL refuses to be root. In a user namespace it is somebody else, and its files are still ours.
 */
const NOT_AS_ROOT = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'];

/** The superuser and first database of `startPostgresql`. */
export const POSTGRESQL_USER = 'postgres';

/** Starts PostgreSQL, with TLS. Everybody is let in. Resolves with its port. */
export async function startPostgresql(lab: Lab, programs: string, identity: Identity): Promise<number> {
  const port = 5432;
  const data = lab.file('postgresql');
  const made = await lab.run([
    ...[...NOT_AS_ROOT, join(programs, 'initdb'), '-D', data, '-U', POSTGRESQL_USER],
    ...['-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
  ]);
  assert.equal(made.status, 0, made.stdout + made.stderr);
  for (const [name, text] of Object.entries({ 'server.crt': identity.cert, 'server.key': identity.key })) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
  }
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all all trust\n');
  const settings = {
    listen_addresses: KERNEL,
    port,
    unix_socket_directories: '',
    ssl: 'on',
    fsync: 'off',
    shared_buffers: '16MB',
  };
  const program = lab.daemon(
    [
      ...[...NOT_AS_ROOT, join(programs, 'postgres'), '-D', data],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    // Fast shutdown: sessions are ended, the backends waited for.
    'SIGINT',
  );
  const words = 'database system is ready to accept connections';
  await ready('PostgreSQL', program, () => program.stderr().includes(words));
  return port;
}

// ---- Redis

/** Starts Redis without persistence. Resolves with its port. */
export async function startRedis(lab: Lab): Promise<number> {
  const port = 6379;
  const program = lab.daemon(
    [
      ...['redis-server', '--bind', KERNEL, '--port', String(port), '--dir', lab.folder],
      ...['--save', '', '--appendonly', 'no', '--protected-mode', 'no', '--daemonize', 'no'],
    ],
    'SIGTERM',
  );
  await ready('Redis', program, () => program.stdout().includes('Ready to accept connections'));
  return port;
}

// ---- nginx

/** Starts nginx with the given `server { … }` blocks. Ready once all of them listen. */
export async function startNginx(lab: Lab, servers: string): Promise<void> {
  const folder = lab.file('nginx');
  mkdirSync(folder);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  default_type application/octet-stream;
  ${paths.map((path) => `${path}_temp_path ${path};`).join('\n  ')}
  ${servers}
}
`,
  );
  const program = lab.daemon(
    ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
    'SIGQUIT',
  );
  await ready('nginx', program, () => existsSync(join(folder, 'nginx.pid')));
}

// ---- sshd

/** Why sshd cannot run here, or false: for a while it becomes a user whom the root of a user namespace does not have. */
export function sshdObstacle(): string | false {
  const [, , users] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return Number(users) > 1 ? false : 'sshd needs more users than the one of this namespace';
}

/** What a client of `startSshd` needs. */
export interface SshAccess {
  readonly port: number;
  /** Options for ssh and scp: the client's key, the server's key, and no word of the user's own configuration. */
  readonly options: readonly string[];
}

/** Starts sshd, which lets in root by a key made for the occasion. */
export async function startSshd(lab: Lab): Promise<SshAccess> {
  const port = 2222;
  for (const name of ['host_key', 'client_key']) {
    const made = await lab.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', lab.file(name)]);
    assert.equal(made.status, 0, made.stderr);
  }
  const config = lab.file('sshd_config');
  writeFileSync(
    config,
    `ListenAddress ${KERNEL}:${port}
HostKey ${lab.file('host_key')}
AuthorizedKeysFile ${lab.file('client_key.pub')}
PidFile none
PermitRootLogin yes
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
`,
  );
  // The place that it confines itself to; by absolute path, since it starts itself again.
  const command = 'mkdir -p /run/sshd && exec "$(command -v sshd)" -D -e -f "$0"';
  const program = lab.daemon(['sh', '-c', `PATH=$PATH:/usr/sbin; ${command}`, config], 'SIGTERM');
  await ready('sshd', program, () => program.stderr().includes('Server listening on'));
  const options = {
    IdentityFile: lab.file('client_key'),
    IdentitiesOnly: 'yes',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
    BatchMode: 'yes',
  };
  return {
    port,
    options: [
      '-F',
      'none',
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ],
  };
}

// ---- iperf3

/** Starts an iperf3 server. Resolves with its port. */
export async function startIperf3(lab: Lab): Promise<number> {
  const port = 5201;
  const program = lab.daemon(
    ['iperf3', '--server', '--bind', KERNEL, '--port', String(port), '--forceflush'],
    'SIGTERM',
  );
  await ready('iperf3', program, () => program.stdout().includes('Server listening on'));
  return port;
}
