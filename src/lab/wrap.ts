// Breaks sentences into lines by display width: English at spaces, Chinese anywhere but before punctuation.
import { displayWidth } from '../observe/display-width.js';

/** Marks that may not begin a line. */
const CLOSING = '，。；：、）”’？！,.;:)?!';

/** Lines of at most `columns` columns; `indent` goes before each. */
export function wrap(sentence: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of piecesOf(sentence)) {
    const width = displayWidth(indent) + displayWidth(line) + displayWidth(piece.trimEnd());
    if (line !== '' && width > columns && !CLOSING.includes(piece[0]!)) {
      lines.push(indent + line.trimEnd());
      line = '';
    }
    line += piece;
  }
  if (line.trim() !== '') lines.push(indent + line.trimEnd());
  return lines;
}

/** Words with the space behind them, and wide characters one by one. */
function piecesOf(sentence: string): string[] {
  return sentence.match(/[ -~’”“é§≥]+? +|[ -~’“§≥]+|./gu) ?? [];
}
