/** Columns and paragraphs for people. */

/** Columns under each other, two spaces between them; the widest that are cut are cut with `…`. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[], columns: number): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => all.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0));
  let excess = widths.reduce((sum, width) => sum + width + 2, -2) - columns;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const cut = Math.min(excess, Math.max(1, widths[widest]! - Math.max(0, ...widths.filter((_, i) => i !== widest))));
    if (widths[widest]! - cut < LEAST_WIDTH) break;
    widths[widest]! -= cut;
    excess -= cut;
  }
  return all
    .map(
      (row) =>
        `${row
          .map((cell, i) => cut(cell, widths[i]!).padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const LEAST_WIDTH = 8;

/** Names with their values behind them. */
export function formatFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 1;
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)} ${value}\n`).join('');
}

/** Breaks a sentence into lines of at most so many characters, each after an indent. */
export function wrap(text: string, columns: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => `${indent}${each}\n`).join('');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
