// Checks of compiled parts: the addon of our own, and the optional packages of raw and Ethernet links.
import { loadCap } from '../../link/cap-package.js';
import { loadSocketBinding } from '../../link/packet-link.js';
import { loadRawSocket } from '../../link/raw-package.js';
import { loadBinding } from '../../native/load.js';
import type { Check, Finding } from './check.js';

const BUILD =
  'npm rebuild synwave (npm 12: npm install-scripts approve synwave first); in a checkout: npm run build:native ' +
  '(needs a C compiler)';

/** The addon loads. */
export const nativeBinding: Check = () => {
  const check = 'native';
  try {
    loadBinding();
    return { check, verdict: 'ok', found: `the TUN binding loads (${process.platform}-${process.arch})` };
  } catch (error) {
    return {
      check,
      verdict: 'FAIL',
      found: (error as Error).message,
      meaning: 'Without it no TUN device can be opened.',
      remedy: BUILD,
    };
  }
};

/** The package raw-socket loads. */
export const rawPackage: Check = () => examinePackage('raw-socket', 'Raw', loadRawSocket);

/** Frames come and go by packet sockets of our own addon, or else by the package cap. */
export const ethernetDriver: Check = async () => {
  const check = 'driver';
  const lack = packetSocketsLack();
  if (lack === null) return { check, verdict: 'ok', found: 'packet sockets of the kernel' };
  const { verdict, remedy = '' } = await examinePackage('cap', 'Ethernet', loadCap);
  if (verdict === 'ok') {
    const meaning = 'Ethernet links are made by libpcap, which sends slower and holds less.';
    return { check, verdict: 'warn', found: lack, meaning, remedy: BUILD };
  }
  const meaning =
    'Ethernet links are made with packet sockets, or by libpcap with the package cap, which is not usable either.';
  return { check, verdict: 'FAIL', found: lack, meaning, remedy: `${BUILD}; or: ${remedy}` };
};

/** Why there are no packet sockets; null when there are. */
export function packetSocketsLack(): string | null {
  try {
    loadSocketBinding();
    return null;
  } catch (error) {
    return (error as Error).message.split('. Remedy: ')[0]!;
  }
}

async function examinePackage(check: string, links: string, load: () => Promise<unknown>): Promise<Finding> {
  try {
    await load();
    return { check, verdict: 'ok', found: `the package ${check} loads` };
  } catch (error) {
    const [found = '', ...remedy] = (error as Error).message.split('. Remedy: ');
    return {
      check,
      verdict: 'FAIL',
      found,
      meaning: `${links} links are made with it. It is optional: a failure to compile it does not stop npm install.`,
      remedy: remedy.join(' ') || `npm rebuild ${check}`,
    };
  }
}
