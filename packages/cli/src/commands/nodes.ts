import type { Command } from 'commander';
import { askNetwork } from '../ask-network.ts';
import { addExamples, onCall } from '../call.ts';
import type { CliContext } from '../context.ts';
import { collect, parsedAs } from '../settings/options.ts';
import { parseDuration } from '../settings/parse.ts';
import { KEY_WARNING_MS } from '../texts/mesh.ts';
import { formatRevoked, type Revoked } from '../texts/revoked.ts';
import { formatTable } from '../texts/table.ts';
import { formatDuration, formatTime } from '../texts/time.ts';

interface NodeRow {
  readonly name: string;
  readonly user: string;
  readonly tags: readonly string[];
  readonly role: string;
  readonly addresses: readonly string[];
  readonly online: boolean;
  readonly isExpired?: boolean;
  readonly expiresAtMs?: number | null;
}

export function addNodes(program: Command, context: CliContext): void {
  const nodes = program
    .command('nodes')
    .description('list, rename, adopt, remove, revoke, renew and approve devices of the network');
  addExamples(nodes, [
    ['pcloud nodes list', 'all of them'],
    ['pcloud nodes rename laptop-2 ada-laptop', 'another name'],
    ['pcloud nodes adopt phone', 'it belonged to nobody, and is yours now'],
    ['pcloud nodes remove old-phone', 'it is out at once'],
    ['pcloud nodes revoke phone', 'it was stolen: its keys are never taken again'],
    ['pcloud nodes renew laptop', 'its key has expired, or will soon'],
    ['pcloud nodes approve ABCD-EFGH', 'let in a device that shows this code'],
  ]);

  onCall(nodes.command('list').description('list devices'), context, async ({ settings, answer }) => {
    const found = (await askNetwork(settings, context, 'nodes.list')) as readonly NodeRow[];
    const hasSoon = found.some((node) => soonOf(node) !== '');
    const rows = [...found]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((node) => [
        node.name,
        node.addresses[0] ?? '',
        node.user || node.tags.join(' ') || '-',
        node.role,
        node.online ? 'yes' : 'no',
        ...(hasSoon ? [soonOf(node)] : []),
      ]);
    const head = ['NODE', 'ADDRESS', 'OWNER', 'ROLE', 'ONLINE', ...(hasSoon ? ['KEY'] : [])];
    answer(found, formatTable(head, rows, context.columns));
  });

  const expire = nodes.command('expire').description('set when the key of a device expires');
  expire
    .argument('<node>', 'name or address')
    .requiredOption('--in <TIME>', 'a time such as 30d, now or never', parsedAs('--in', parseExpiry));
  onCall<{ in: number | 'never' }>(expire, context, async ({ settings, args: [node], options, answer }) => {
    const changed = (await askNetwork(settings, context, 'nodes.expire', { node, in: options.in })) as NodeRow;
    answer(changed, `${changed.name}: ${describeExpiry(changed)}.\n`);
  });

  const renew = nodes.command('renew').description('have the key of a device hold again').argument('<node>');
  onCall(renew, context, async ({ settings, args: [node], answer }) => {
    const renewed = (await askNetwork(settings, context, 'nodes.renew', { node })) as NodeRow;
    answer(renewed, `${renewed.name}: ${describeExpiry(renewed)}.\n`);
  });

  const rename = nodes.command('rename').description('give a device another name');
  rename.argument('<node>', 'name or address').argument('<name>', 'the new one');
  onCall(rename, context, async ({ settings, args: [node, name], answer }) => {
    const renamed = (await askNetwork(settings, context, 'nodes.rename', { node, name })) as NodeRow;
    answer(renamed, `${node} is called ${renamed.name} now.\n`);
  });

  const adopt = nodes.command('adopt').description('make a device that belongs to nobody your own');
  adopt
    .argument('<node>', 'name or address')
    .option('--user <NAME>', 'whose it becomes (default: who owns this device)');
  onCall<{ user?: string }>(adopt, context, async ({ settings, args: [node], options, answer }) => {
    const input = { node, ...(options.user === undefined ? {} : { user: options.user }) };
    const adopted = (await askNetwork(settings, context, 'nodes.adopt', input)) as NodeRow;
    answer(adopted, `${adopted.name} belongs to ${adopted.user} now.\n`);
  });

  const remove = nodes.command('remove').description('take a device out of the network');
  remove
    .argument('<node>', 'name or address')
    .option('--revoke', 'its keys are never taken again: it was lost or stolen');
  onCall<{ revoke?: boolean }>(remove, context, async ({ settings, args: [node], options, answer }) => {
    const removed = await askNetwork(settings, context, 'nodes.remove', { node, revoke: options.revoke === true });
    if (options.revoke) answer(removed, formatRevoked(node!, removed as Revoked, context.columns));
    else answer(removed, `${node} is out of the network.\n`);
  });

  const revoke = nodes.command('revoke').description('take a lost or stolen device out for good: as remove --revoke');
  revoke.argument('<node>', 'name or address');
  onCall(revoke, context, async ({ settings, args: [node], answer }) => {
    const revoked = (await askNetwork(settings, context, 'nodes.remove', { node, revoke: true })) as Revoked;
    answer(revoked, formatRevoked(node!, revoked, context.columns));
  });

  const approve = nodes.command('approve').description('let in the device that shows a code');
  approve.argument('<code>').option('--tag <TAG>', 'a tag in place of a user; again for more', collect);
  onCall<{ tag?: readonly string[] }>(approve, context, async ({ settings, args: [code], options, answer }) => {
    const input = { code, ...(options.tag === undefined ? {} : { tags: options.tag }) };
    answer((await askNetwork(settings, context, 'approvals.approve', input)) ?? {}, `${code}: approved.\n`);
  });

  const deny = nodes.command('deny').description('turn away the device that shows a code').argument('<code>');
  onCall(deny, context, async ({ settings, args: [code], answer }) => {
    answer((await askNetwork(settings, context, 'approvals.deny', { code })) ?? {}, `${code}: turned away.\n`);
  });
}

function parseExpiry(text: string): number | 'never' {
  if (text === 'now') return 0;
  return text === 'never' ? text : parseDuration(text);
}

function describeExpiry({ isExpired, expiresAtMs }: NodeRow): string {
  if (isExpired) return 'its key has expired';
  return typeof expiresAtMs === 'number' ? `its key expires on ${formatTime(expiresAtMs)}` : 'its key never expires';
}

/** What there is to warn of; empty for nothing. */
function soonOf({ isExpired, expiresAtMs }: NodeRow): string {
  if (isExpired) return 'expired';
  const leftMs = typeof expiresAtMs === 'number' ? expiresAtMs - Date.now() : Number.POSITIVE_INFINITY;
  return leftMs <= KEY_WARNING_MS ? `expires in ${formatDuration(Math.max(0, leftMs))}` : '';
}
