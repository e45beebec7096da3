// Checks of compiled parts: the addon of our own, and the optional packages of raw and Ethernet links.
import { loadCap } from '../../link/cap-package.js';
import { loadRawSocket } from '../../link/raw-package.js';
import { loadBinding } from '../../native/load.js';
import type { Check, Finding } from './check.js';

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
      remedy:
        'npm rebuild synwave (npm 12: npm install-scripts approve synwave first); in a checkout: npm run build:native ' +
        '(needs a C compiler)',
    };
  }
};

/** The package raw-socket loads. */
export const rawPackage: Check = () => examinePackage('raw-socket', 'Raw', loadRawSocket);

/** The package cap loads. */
export const capPackage: Check = () => examinePackage('cap', 'Ethernet', loadCap);

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
