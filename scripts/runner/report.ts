/** Composes `docs/test-report.md` from a full run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './run-file.ts';

export interface ReportFacts {
  readonly seed: number;
  readonly when: Date;
  /** Label to value: Node, kernel, processor. */
  readonly machine: Readonly<Record<string, string>>;
}

type Row = Readonly<Record<string, unknown>>;

/**
 * @param rowsDirectory holds the JSON lines that `reportRow` of `tests/lab/report.ts` wrote
 * @returns the Markdown
 */
export function composeReport(outcomes: readonly Outcome[], rowsDirectory: string, facts: ReportFacts): string {
  const passed = outcomes.reduce((sum, each) => sum + each.passed, 0);
  const failed = outcomes.reduce((sum, each) => sum + each.failed, 0);
  const parts = [
    '# Test report',
    '',
    'Of the last `scripts/test --full`: every cell of every matrix.',
    '',
    `**${passed} passed, ${failed} failed**, ${facts.when.toISOString().slice(0, 10)}, seed ${facts.seed}.`,
    '',
    ...Object.entries(facts.machine).map(([label, value]) => `- ${label}: ${value}`),
    '',
  ];
  for (const [section, rows] of readRows(rowsDirectory)) parts.push(`## ${section}`, '', ...table(rows), '');
  const files = outcomes.map((each) => ({
    file: each.name,
    passed: each.passed,
    failed: each.failed,
    seconds: each.seconds.toFixed(1),
  }));
  parts.push('## Files', '', ...table(files));
  return `${parts.join('\n')}\n`;
}

function readRows(directory: string): Map<string, Row[]> {
  const sections = new Map<string, Row[]>();
  for (const name of readdirSync(directory).sort()) {
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n')) {
      if (line === '') continue;
      const { section, row } = JSON.parse(line) as { section: string; row: Row };
      sections.set(section, [...(sections.get(section) ?? []), row]);
    }
  }
  return sections;
}

/** A Markdown table whose columns are the union of the rows' keys, in the order they first come. */
export function table(rows: readonly Row[]): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly unknown[]): string =>
    `| ${cells.map((cell) => String(cell ?? '').replace(/[|\n]/g, ' ')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((name) => row[name])))];
}
