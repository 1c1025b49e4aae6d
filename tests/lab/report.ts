/** Rows that a long matrix leaves for the report of a full run. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/** Column name to value, in the order the columns are to have. */
export type ReportRow = Readonly<Record<string, string | number | boolean>>;

/**
 * Adds a row to a section of `docs/test-report.md`, which the runner composes at the end of
 * `scripts/test --full`. Outside such a run (no PCLOUD_TEST_REPORT_DIR) nothing is written.
 */
export function reportRow(section: string, row: ReportRow): void {
  const directory = process.env.PCLOUD_TEST_REPORT_DIR;
  if (directory === undefined) return;
  appendFileSync(join(directory, `${process.pid}.jsonl`), `${JSON.stringify({ section, row })}\n`);
}
