import type { MeshPeerStatus, MeshStatus } from '@pcloud/daemon';
import { formatBytes } from '../status-text.ts';
import { formatTable, wrap } from './table.ts';
import { formatDuration } from './time.ts';

const WIDEST = 100;
/** What people are told of: 14 days. */
export const KEY_WARNING_MS: number = 14 * 86_400_000;
/** What the table says by itself. */
const PLAIN: ReadonlySet<string> = new Set(['connected', 'idle']);

/** The status of this device and what it sees of its network, for people. */
export function formatMesh(status: MeshStatus, terminalColumns: number): string {
  const columns = Math.min(terminalColumns, WIDEST);
  const paragraphs = [formatSelf(status, columns)];
  if (status.peers.length > 0) paragraphs.push(formatPeers(status.peers, columns));
  else if (status.self) paragraphs.push('No other nodes yet; "pcloud invite" makes a link for the next one.\n');
  return paragraphs.join('\n');
}

function formatSelf(status: MeshStatus, columns: number): string {
  const { self, network, coordinator, conflict, pending, key } = status;
  const lines: string[] = [];
  if (self) lines.push(`${self.name}  ${self.addresses.join('  ')}`);
  if (network) lines.push(`network ${network.prefixes.join(', ')}, names end in .${network.domain}`);
  lines.push(STATES[status.state]);
  if (pending) lines.push(`Somebody who is signed in has to type the code ${pending.code} at ${pending.url}`);
  if (status.state === 'up' || status.state === 'joining') lines.push(describeCoordinator(coordinator));
  if (key) lines.push(...describeKey(key));
  if (conflict) lines.push(`Conflict: ${conflict.sentence}.`);
  return lines.map((line) => wrap(line, columns)).join('');
}

const STATES: Readonly<Record<MeshStatus['state'], string>> = {
  none: 'This device belongs to no network. Start one with "pcloud seed", or join one with "pcloud up LINK".',
  joining: 'Joining: not let in yet.',
  up: 'Up.',
  down: 'Down. "pcloud up" brings the tunnel back.',
};

/** Nothing, while its end is far. */
function describeKey({ isExpired, expiresInMs }: NonNullable<MeshStatus['key']>): string[] {
  if (isExpired) {
    return [
      'The key of this device has expired: it sees nobody, and nobody sees it. "pcloud login" has it renewed, or "pcloud nodes renew" on another device.',
    ];
  }
  if (expiresInMs === null || expiresInMs > KEY_WARNING_MS) return [];
  return [`The key of this device expires in ${formatDuration(expiresInMs)}: "pcloud login" has it renewed.`];
}

function describeCoordinator({ connected, url, problem }: MeshStatus['coordinator']): string {
  if (connected) return `Coordinator: connected${url === null ? '' : ` to ${url}`}.`;
  const why = problem === null ? '' : ` (${problem.message})`;
  return `Coordinator: not connected${why}; it is tried again and again, and the tunnel stays as it was.`;
}

function formatPeers(peers: readonly MeshPeerStatus[], columns: number): string {
  const table = formatTable(
    ['NODE', 'ADDRESS', 'ONLINE', 'PATH', 'LATENCY', 'RECEIVED', 'SENT'],
    peers.map((peer) => [
      peer.name,
      peer.addresses[0] ?? '',
      peer.online ? 'yes' : 'no',
      peer.path,
      peer.latencyMs === null ? '-' : `${peer.latencyMs.toFixed(1)} ms`,
      formatBytes(peer.rxBytes),
      formatBytes(peer.txBytes),
    ]),
    columns,
  ).split('\n');
  return table
    .slice(0, -1)
    .map((line, index) => {
      const peer = peers[index - 1];
      return peer === undefined || PLAIN.has(peer.reason)
        ? `${line}\n`
        : `${line}\n${wrap(peer.sentence, columns, '    ')}`;
    })
    .join('');
}
