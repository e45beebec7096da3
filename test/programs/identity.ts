// A self-signed certificate for a test run: made by openssl when it is needed, so that none can expire in the repository.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identity, SERVER_NAME } from './place.js';

/** Makes a certificate for `SERVER_NAME` and the given addresses, valid for a day. */
export function makeIdentity(...addresses: readonly string[]): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'synwave-identity-'));
  const names = [`DNS:${SERVER_NAME}`, 'DNS:localhost', ...addresses.map((address) => `IP:${address}`)];
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  try {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-nodes', '-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
        ...['-subj', `/CN=${SERVER_NAME}`, '-addext', `subjectAltName=${names.join(',')}`],
        ...['-keyout', key, '-out', cert],
      ],
      { stdio: 'pipe' },
    );
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
