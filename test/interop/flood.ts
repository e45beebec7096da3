// A program for the kernel's side: throws one frame at an interface, many times, as fast as it can. Says when it begins and
// when it is done.
// usage: flood INTERFACE COUNT FRAME-IN-HEX
import { loadCap } from '../../src/link/cap-package.js';

const [device = '', count = '0', frame = ''] = process.argv.slice(2);
const { Cap } = await loadCap();
const bytes = Buffer.from(frame, 'hex');
const capture = new Cap();
// Nothing is to be received: no frame is longer than that.
capture.open(device, 'greater 262144', 1 << 20, Buffer.alloc(65_535));

const CHUNK = 500;
let sent = 0;
/** @returns false when the interface has no room now */
function throwOne(): boolean {
  try {
    capture.send(bytes, bytes.length);
    return true;
  } catch (error) {
    if (/temporarily unavailable|No buffer space/.test((error as Error).message)) return false;
    throw error;
  }
}

function chunk(): void {
  for (let i = 0; i < CHUNK && sent < Number(count) && throwOne(); i++) sent++;
  if (sent < Number(count)) {
    setImmediate(chunk);
    return;
  }
  process.stdout.write('end\n');
  capture.close();
}
process.stdout.write('begin\n', chunk);
