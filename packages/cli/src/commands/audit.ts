import { type Command, InvalidArgumentError } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, type Call, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { parsedAs } from '../settings/options.ts';
import { parseMoment } from '../settings/parse.ts';
import { formatTable } from '../texts/table.ts';
import { formatTime } from '../texts/time.ts';

interface AuditEntry {
  readonly id: string;
  readonly atMs: number;
  readonly who: string;
  readonly source?: string;
  readonly action: string;
  readonly subject?: string;
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

interface AuditOptions {
  /** Wall clock, milliseconds. */
  readonly since?: number;
  readonly limit?: number;
}

const PAGE = 500;

const NOTES = `
Each administrative act is an entry: who, what, when and from where. Nobody can alter one. They are kept
for 400 days, and 250,000 of them at most: what is to be kept for longer is to be exported.`;

export function addAudit(program: Command, context: CliContext): void {
  const audit = program
    .command('audit')
    .description('who did what in the network, when and from where; for admins')
    .addHelpText('after', NOTES);
  addExamples(audit, [
    ['pcloud audit list --since 7d', 'the last week, newest first'],
    ['pcloud audit export > audit.jsonl', 'all of it, oldest first, an object a line'],
    ['pcloud audit export --since 2026-11-01', 'what came since a day'],
  ]);

  const since = [
    '--since <TIME>',
    'a date, or how long ago: 2026-11-01, 7d',
    parsedAs('--since', parseMoment),
  ] as const;
  const list = audit.command('list').description('print the newest entries, newest first');
  list.option(...since).option('--limit <NUMBER>', 'how many (default: 100)', parseLimit);
  onCall<AuditOptions>(list, context, async (call) => {
    const found = await read(call, call.options.limit ?? 100);
    const rows = found.map((entry) => [
      formatTime(entry.atMs),
      entry.who,
      entry.source ?? '-',
      entry.action,
      [entry.subject ?? '', ...Object.entries(entry.detail ?? {}).map(([name, value]) => `${name}=${value}`)].join(' '),
    ]);
    call.answer(found, formatTable(['WHEN', 'WHO', 'FROM', 'WHAT', 'OF'], rows, context.columns));
  });

  const dump = audit.command('export').description('print entries as JSON, one a line, oldest first');
  dump.option(...since);
  onCall<AuditOptions>(dump, context, async (call) => {
    const found = await read(call, Infinity);
    for (const entry of found.reverse()) context.out(`${JSON.stringify(entry)}\n`);
  });
}

/** Newest first. */
async function read({ settings, context, options }: Call<AuditOptions>, most: number): Promise<AuditEntry[]> {
  const sinceMs = options.since === undefined ? {} : { sinceMs: options.since };
  const found: AuditEntry[] = [];
  for (;;) {
    const limit = Math.min(PAGE, most - found.length);
    const before = found.length === 0 ? {} : { before: found.at(-1)!.id };
    const page = (await askNetwork(settings, context, 'audit.list', { limit, ...before, ...sinceMs })) as AuditEntry[];
    found.push(...page);
    if (page.length < limit || found.length >= most) return found;
  }
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new InvalidArgumentError(`expected a number from 1 on, got "${text}"`);
}
