import type { RecoveryStatus } from '@pcloud/coordinator';
import { wrap } from './table.ts';
import { formatTime } from './time.ts';

/** Where the root of the network is, for people. */
export function formatRecovery(
  { state, networkId, takenAtMs, confirmedAtMs }: RecoveryStatus,
  columns: number,
): string {
  const lines = networkId === null ? [] : [`Network ${networkId}`];
  const taken = takenAtMs === null ? '' : ` on ${formatTime(takenAtMs)}`;
  if (state === 'untaken') {
    lines.push('The root is on this disk, and nobody took the recovery kit: "pcloud recovery take --words".');
  } else if (state === 'taken') {
    lines.push(`The kit was taken${taken}, and the root is still on this disk: "pcloud recovery confirm".`);
  } else {
    const at = confirmedAtMs === null ? '' : ` since ${formatTime(confirmedAtMs)}`;
    lines.push(`The root is not on this disk${at}: the recovery kit alone has it.`);
  }
  return lines.map((line) => wrap(line, columns)).join('');
}
