// `synwave lab list` and `show`: what there is, without playing it.
import { type CatalogueEntry, SCENARIOS } from '../../lab/catalogue.js';
import { CLAIMS } from '../../lab/claims.js';
import { worldsOf } from '../../lab/scenario.js';
import { ExitCode, usageError } from '../failure.js';
import { isOn } from '../option-values.js';
import { readLanguage } from '../options.js';
import type { Context } from '../verb.js';
import { print } from './reports.js';

/** `lab list`. */
export function list(context: Context): number {
  const { values } = context.args;
  const lang = readLanguage(values);
  if (isOn(values, 'claims')) return listClaims(context);
  const rows = SCENARIOS.map((scenario) => {
    const variants =
      scenario.variants.length > 1 ? ` (${scenario.variants.map(({ id }) => id).join(' ')})` : '';
    return ` ${scenario.id}  ${scenario.title[lang]}${variants}`;
  });
  print(context, rows);
  if (isOn(values, 'json')) {
    context.terminal.document(
      SCENARIOS.map(({ id, title, claims, variants }) => ({
        id,
        title,
        claims,
        variants: variants.map((variant) => ({
          id: variant.id,
          what: variant.what,
          worlds: worldsOf(variant),
        })),
      })),
    );
  }
  return ExitCode.OK;
}

/** Every claim of the tutorial with its verdict and the scenarios that demonstrate it. */
function listClaims(context: Context): number {
  const { values } = context.args;
  const lang = readLanguage(values);
  const shownBy = (id: string) =>
    SCENARIOS.filter(({ claims }) => claims.includes(id)).map((each) => each.id);
  const verdicts = VERDICTS[lang];
  for (const { id, says, verdict, note, rule } of CLAIMS) {
    print(context, [
      ` ${id}  ${says[lang]}`,
      `      ${verdicts[verdict]}: ${note[lang]}  [${rule}]  ${shownBy(id).join(' ')}`,
    ]);
  }
  if (isOn(values, 'json')) {
    context.terminal.document(CLAIMS.map((claim) => ({ ...claim, scenarios: shownBy(claim.id) })));
  }
  return ExitCode.OK;
}

const VERDICTS = {
  en: { right: 'right', imprecise: 'not quite', wrong: 'wrong' },
  zh: { right: '正确', imprecise: '不够准确', wrong: '错误' },
} as const;

/** `lab show`: what a variant expects, in the notation in which it is declared. */
export function show(context: Context, entries: readonly CatalogueEntry[]): number {
  const lang = readLanguage(context.args.values);
  if (entries.length === 0) throw usageError('lab show: which scenario?', '`synwave lab list` names them');
  for (const { scenario, variant } of entries) {
    print(context, [
      ` ${variant.id}  ${scenario.title[lang]}`,
      ...(variant.what === undefined ? [] : [`      ${variant.what[lang]}`]),
      ` ${scenario.claims.join(' ')}   ${worldsOf(variant).join(', ')}${(variant.unsafe ?? []).map((each) => `   unsafe ${each}`).join('')}`,
      '',
      ...variant.wire
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .map((line) => `   ${line}`),
      '',
      ` ${scenario.moral[lang]}`,
      '',
    ]);
  }
  return ExitCode.OK;
}
