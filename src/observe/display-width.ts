// How many terminal columns a text takes, by East Asian Width (UAX #11): wide and fullwidth characters take two,
// combining ones none. Ambiguous characters count one, which is why the ladder draws with ASCII.

/** Blocks whose characters are wide or fullwidth, as [first, last] code points; emoji are asked for by property. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x3247],
  [0x3250, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

const ZERO = /\p{Mn}|\p{Me}|\p{Cf}/u;
const EMOJI = /\p{Emoji_Presentation}/u;

/** Columns of one character. */
function characterWidth(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return code === 0xad ? 0 : 1;
  if (ZERO.test(character)) return 0;
  for (const [first, last] of WIDE) {
    if (code < first) break;
    if (code <= last) return 2;
  }
  const regionalIndicator = code >= 0x1f1e6 && code <= 0x1f1ff;
  return EMOJI.test(character) && !regionalIndicator ? 2 : 1;
}

/** Terminal columns of `text`, which must be free of control characters and colour codes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The longest beginning of `text` that takes at most `columns`. */
export function cutToWidth(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** `text` cut or filled with `fill`, a one-column character, to exactly `columns`. */
export function padToWidth(text: string, columns: number, fill = ' '): string {
  const cut = cutToWidth(text, columns);
  return cut + fill.repeat(columns - displayWidth(cut));
}

/** `text` cut or centred, to exactly `columns`; an odd blank goes to the right. */
export function centreToWidth(text: string, columns: number): string {
  const cut = cutToWidth(text, columns);
  const blank = columns - displayWidth(cut);
  const left = Math.floor(blank / 2);
  return ' '.repeat(left) + cut + ' '.repeat(blank - left);
}
