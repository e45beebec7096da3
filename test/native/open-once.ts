// Opens one link with the options given as JSON, says how that went as JSON, and ends. Run as a child by tests that take
// something away from it: a capability, the device node, a directory on the path.
import { tunLink } from '../../src/link/tun.js';

try {
  const link = await tunLink(JSON.parse(process.argv[2] ?? '{}'));
  const { name, persistent } = link;
  await link.close();
  console.log(JSON.stringify({ opened: { name, persistent } }));
} catch (error) {
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  console.log(JSON.stringify({ code, errno, syscall, message }));
}
