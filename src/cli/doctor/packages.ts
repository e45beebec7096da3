// Checks of compiled parts: the addon of our own, and the optional package of raw links.
import { loadRawSocket } from '../../link/raw-package.js';
import { loadBinding } from '../../native/load.js';
import type { Check } from './check.js';

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
      remedy: 'npm rebuild synwave; in a checkout: npm run build:native (needs a C compiler)',
    };
  }
};

/** The package raw-socket loads. */
export const rawPackage: Check = async () => {
  const check = 'raw-socket';
  try {
    await loadRawSocket();
    return { check, verdict: 'ok', found: 'the package raw-socket loads' };
  } catch (error) {
    const [found = '', ...remedy] = (error as Error).message.split('. Remedy: ');
    return {
      check,
      verdict: 'FAIL',
      found,
      meaning:
        'Raw links are made with it. It is optional: a failure to compile it does not stop npm install.',
      remedy: remedy.join(' ') || 'npm rebuild raw-socket',
    };
  }
};
