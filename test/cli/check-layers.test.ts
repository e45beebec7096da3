// scripts/check-layers: this tree obeys, and each kind of violation is found.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/native/load.js';

function check(root?: string): { status: number | null; text: string } {
  const argv = [join(packageRoot(), 'scripts', 'check-layers'), ...(root === undefined ? [] : [root])];
  const result = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  return { status: result.status, text: result.stderr };
}

function checkFiles(files: Readonly<Record<string, string>>): { status: number | null; text: string } {
  const root = mkdtempSync(join(tmpdir(), 'synwave-layers-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, 'src', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return check(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('check-layers: this tree obeys', () => {
  const { status, text } = check();
  assert.equal(status, 0, text);
});

const VIOLATIONS: readonly [title: string, file: string, source: string, message: RegExp][] = [
  [
    'wire imports tcp',
    'wire/a.ts',
    "import { x } from '../tcp/x.js';",
    /src\/wire\/a\.ts:1: wire\/ imports tcp\//,
  ],
  [
    'a type counts as an import',
    'tcp/a.ts',
    "import type { Stack } from '../stack/stack.js';",
    /tcp\/ imports stack\//,
  ],
  ['a re-export counts', 'tcp/a.ts', "export * from '../net/net.js';", /tcp\/ imports net\//],
  ['so does import()', 'tcp/a.ts', "const x = await import('../net/net.js');", /tcp\/ imports net\//],
  [
    'an import over several lines',
    'wire/a.ts',
    "import {\n  x,\n} from '../net/net.js';",
    /wire\/ imports net\//,
  ],
  [
    'link imports the stack itself',
    'link/a.ts',
    "import { Stack } from '../stack/stack.js';",
    /may import only stack\/link\.ts/,
  ],
  [
    'observe imports values of link',
    'observe/a.ts',
    "import { tunLink } from '../link/tun.js';",
    /imports values from link\//,
  ],
  ['net imports pino', 'net/a.ts', "import { pino } from 'pino';", /only observe\/ and cli\/ may/],
  [
    'stack imports an unknown package',
    'stack/a.ts',
    "import x from 'left-pad';",
    /imports the package left-pad/,
  ],
  [
    'tcp imports node:crypto',
    'tcp/a.ts',
    "import { randomBytes } from 'node:crypto';",
    /the core uses no Node API/,
  ],
  [
    'wire imports a module of Node without its prefix',
    'wire/a.ts',
    "import 'fs';",
    /the core uses no Node API/,
  ],
  ['tcp reads the clock', 'tcp/a.ts', 'const t = Date.now();', /tcp\/ uses Date/],
  ['tcp draws lots', 'tcp/a.ts', 'const t = Math.random();', /tcp\/ uses Math\.random/],
  ['wire makes a Buffer', 'wire/a.ts', 'const b = Buffer.alloc(1);', /wire\/ uses Buffer/],
  ['tcp starts a timer', 'tcp/a.ts', 'setTimeout(f, 1);', /tcp\/ uses setTimeout/],
  [
    'the use stands inside a template',
    'tcp/a.ts',
    `const t = \`\${performance.now()}\`;`,
    /tcp\/ uses performance/,
  ],
  ['an export without docstring', 'cli/a.ts', 'export const x = 1;', /exported x has no docstring/],
  [
    'a plain comment is no docstring',
    'cli/a.ts',
    '// Says it.\nexport function f() {}',
    /exported f has no docstring/,
  ],
  [
    'a docstring further up is not its own',
    'cli/a.ts',
    '/** Of y. */\nconst y = 1;\nexport class X {}',
    /exported X/,
  ],
  ['a folder that is no layer', 'utils/a.ts', 'const x = 1;', /"utils" is no layer/],
];

for (const [title, file, source, message] of VIOLATIONS) {
  test(`check-layers finds: ${title}`, () => {
    const { status, text } = checkFiles({ [file]: source });
    assert.equal(status, 1, text);
    assert.match(text, message);
    assert.match(text, /check-layers: 1 violations in 1 files/);
  });
}

test('check-layers passes what is allowed', () => {
  const { status, text } = checkFiles({
    'index.ts': "export { tunLink } from './link/tun.js';\nexport { pino } from 'pino';",
    'wire/a.ts':
      "import { struct } from 'buffer-layout';\n// Date.now() is for others.\nconst text = 'Buffer.alloc';",
    'tcp/a.ts':
      "import type { Seq } from '../wire/seq.js';\nconst r = /Math.random()/; const o = { process: 1 };\no.process;",
    'link/a.ts': "import type { Link } from '../stack/link.js';\nimport { open } from 'node:fs';",
    'observe/a.ts': "import type { PacketRecorder } from '../link/capture.js';\nimport { pino } from 'pino';",
    'cli/a.ts':
      '/** One. */\nexport const A = 1;\nexport const B = 2;\n/** Over. */\nexport function f(): void;\nexport function f(x?: number): void {}',
  });
  assert.equal(status, 0, text);
});
