import type { PeerStatus, TunnelStatus } from '@pcloud/daemon';

/** The status of an interface for people to read. */
export function formatStatus(status: TunnelStatus, nowMs: number): string {
  const lines = [
    `interface: ${status.interface} (${status.isUp ? 'up' : 'down'})`,
    `  public key: ${status.publicKey ?? '(none)'}`,
    `  listening port: ${status.listenPort === 0 ? '(none)' : status.listenPort}`,
    `  MTU: ${status.mtu}`,
    `  crypto: ${status.crypto}`,
    `  packets: ${status.dataPlane}, sockets: ${status.bind}`,
  ];
  if (status.fwmark !== 0) lines.push(`  fwmark: 0x${status.fwmark.toString(16)}`);
  addList(lines, 'features', status.features);
  addList(lines, 'counters', { ...status.counters, ...status.systemCounters });
  for (const peer of status.peers) lines.push('', ...formatPeer(peer, nowMs));
  return `${lines.join('\n')}\n`;
}

function formatPeer(peer: PeerStatus, nowMs: number): string[] {
  return [
    `peer: ${peer.publicKey}`,
    `  ${peer.sentence}`,
    `  endpoint: ${peer.endpoint ?? '(none)'}`,
    `  allowed ips: ${peer.allowedIps.length === 0 ? '(none)' : peer.allowedIps.join(', ')}`,
    `  latest handshake: ${formatAge(peer.lastHandshake, nowMs)}`,
    `  transfer: ${formatBytes(peer.rxBytes)} received, ${formatBytes(peer.txBytes)} sent`,
  ];
}

function addList(lines: string[], title: string, values: Readonly<Record<string, unknown>>): void {
  const entries = Object.entries(values);
  if (entries.length > 0) lines.push(`  ${title}: ${entries.map(([name, value]) => `${name} ${value}`).join(', ')}`);
}

/** `1 hour, 2 minutes, 3 seconds ago`. */
function formatAge(iso: string | null, nowMs: number): string {
  if (iso === null) return 'never';
  let seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1_000));
  const parts: string[] = [];
  for (const [unit, length] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
  }
  return parts.length === 0 ? 'now' : `${parts.join(', ')} ago`;
}

/** `1.50 MiB`, as wg(8) has it. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  let value = bytes / 1_024;
  let unit = 0;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value.toFixed(2)} ${units[unit]}`;
}
