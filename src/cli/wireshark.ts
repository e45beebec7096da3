// What makes Wireshark at home with our captures: a profile with a column for the states and colours, and the program that
// lists running stacks among its interfaces.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../native/load.js';

const PROFILE = 'synwave';
const EXTCAP = 'synwave-extcap';

/** `State` shows the comment of a packet, or the message of an entry without one. */
const COLUMNS: readonly (readonly [string, string])[] = [
  ['No.', '%m'],
  ['Time', '%t'],
  ['Source', '%s'],
  ['State', '%Cus:frame.comment or systemd_journal.message:0:R'],
  ['Info', '%i'],
  ['InFlight', '%Cus:tcp.analysis.bytes_in_flight:0:R'],
];

const PREFERENCES = `# Profile of synwave
gui.column.format:
${COLUMNS.map(([title, format]) => `\t"${title}", "${format}"`).join(',\n')}
ip.check_checksum: TRUE
tcp.check_checksum: TRUE
tcp.relative_sequence_numbers: TRUE
tcp.calculate_timestamps: TRUE
nameres.network_name: TRUE
nameres.use_external_name_resolver: FALSE
`;

/** Name, filter, background and foreground as 16-bit colours; the first that fits counts. */
const COLOURS: readonly (readonly [string, string, string, string])[] = [
  ['Unsafe: a protection is off', 'frame.comment contains "UNSAFE"', '65535,0,65535', '65535,65535,65535'],
  [
    'Lost',
    'frame.comment contains "LOST" || frame.comment contains "丢失"',
    '12336,12336,12336',
    '65535,40000,40000',
  ],
  [
    'Injected',
    'frame.comment contains "INJECTED" || frame.comment contains "注入"',
    '12336,12336,12336',
    '65535,65535,32768',
  ],
  ['Bad checksum', 'tcp.checksum.status == "Bad"', '0,0,0', '65535,24576,24576'],
  ['Reset', 'tcp.flags.reset == 1', '42148,0,0', '65535,64764,40092'],
  ['Sent again', 'tcp.analysis.retransmission', '65535,62258,40092', '4626,10023,11822'],
  ['Opening', 'tcp.flags.syn == 1', '50000,65535,50000', '4626,10023,11822'],
  ['Closing', 'tcp.flags.fin == 1', '50000,58000,65535', '4626,10023,11822'],
  ['Timer', 'systemd_journal', '60000,60000,60000', '20000,20000,40000'],
  ['State changes', 'frame.comment contains " -> "', '62000,65535,62000', '4626,10023,11822'],
];

/** Where Wireshark keeps what a user adds. */
function folders(): { readonly configuration: string; readonly extcap: string } {
  const told = spawnSync('tshark', ['-G', 'folders'], { encoding: 'utf8' });
  const find = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(told.stdout ?? '')?.[1];
  const base = process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config');
  const configuration = find('Personal configuration') ?? join(base, 'wireshark');
  // Since 4.2 they have a place of their own; before, the folder beside the configuration is read.
  return { configuration, extcap: find('Personal Extcap path') ?? join(configuration, 'extcap') };
}

/** Writes the profile. Returns what to do with it. */
export function installProfile(): string {
  const folder = join(folders().configuration, 'profiles', PROFILE);
  mkdirSync(folder, { recursive: true });
  const colours = COLOURS.map(([name, filter, back, front]) => `@${name}@${filter}@[${back}][${front}]`);
  writeFileSync(join(folder, 'preferences'), PREFERENCES);
  writeFileSync(join(folder, 'colorfilters'), `# Colours of synwave\n${colours.join('\n')}\n`);
  return `${folder}: use it by \`wireshark -C ${PROFILE} FILE\``;
}

/** Writes the program that Wireshark asks for interfaces. Returns where it is. */
export function installExtcap(): string {
  const folder = folders().extcap;
  mkdirSync(folder, { recursive: true });
  const path = join(folder, EXTCAP);
  const program = join(packageRoot(), 'dist', 'src', 'cli', 'extcap.js');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(path, 0o755);
  return `${path}: running stacks are among Wireshark's interfaces now (\`tshark -D\` lists them)`;
}
