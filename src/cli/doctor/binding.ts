// Check of the native binding: the addon that opens TUN devices.
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
