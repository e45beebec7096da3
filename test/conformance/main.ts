// `scripts/rfc-coverage`: which rule is proved by which test. See `USAGE`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeStateEventPage } from '../rfc9293/state-event-page.js';
import { citedRules, readCitations } from './citations.js';
import { compareDocument, writeDocument } from './document.js';
import { makeMatrix } from './matrix.js';
import { readRuleBooks } from './rules.js';

const USAGE = `scripts/rfc-coverage writes docs/conformance.md, each rule of the TCP RFCs with the tests that prove it, and
docs/state-event.md, what becomes of each segment in each state.
usage: scripts/rfc-coverage                    writes the documents
       scripts/rfc-coverage --check            writes nothing; tells whether the documents are true
       scripts/rfc-coverage RFC9293 MUST-12    tells the tests of one rule by name
exit: 0 well, 1 a rule that applies has no test, or a document is not true, 2 usage`;

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const documentFile = join(root, 'docs/conformance.md');
const stateEventFile = join(root, 'docs/state-event.md');

process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  const citations = readCitations(root);
  if (args.length === 0 || args[0] === '--check') {
    const matrix = makeMatrix(readRuleBooks(root), citations);
    for (const problem of matrix.problems) console.error(problem);
    if (args.length === 0) {
      writeFileSync(documentFile, writeDocument(matrix));
      writeFileSync(stateEventFile, writeStateEventPage());
    }
    const text = existsSync(documentFile) ? readFileSync(documentFile, 'utf8') : '';
    const { wrong, missing } = compareDocument(text, matrix);
    const isStale =
      !existsSync(stateEventFile) || readFileSync(stateEventFile, 'utf8') !== writeStateEventPage();
    if (isStale) wrong.push('docs/state-event.md is not what the oracle says');
    for (const line of wrong) console.error(`docs: ${line}`);
    if (missing > 0)
      console.error(`docs/conformance.md does not name ${missing} newer proofs: scripts/rfc-coverage`);
    console.error(
      `rfc-coverage: ${citations.length} citations, ${matrix.problems.length + wrong.length} problems`,
    );
    return matrix.problems.length + wrong.length === 0 ? 0 : 1;
  }
  const wanted = citedRules(args.join(' '));
  if (args.includes('--help') || wanted.length === 0) {
    (args.includes('--help') ? console.log : console.error)(USAGE);
    return args.includes('--help') ? 0 : 2;
  }
  for (const { rfc, rule } of wanted) {
    const proofs = citations.filter((one) => one.rfc === rfc && one.rule === rule);
    console.log(`RFC ${rfc} ${rule}: ${proofs.length} proofs`);
    for (const { file, title } of proofs) console.log(`  ${file}: ${title}`);
  }
  return 0;
}
