/** Draws what a lab looks like. */
import type { Host } from './host.ts';

/** One end of a cable: an interface of a host, and its addresses as `10.0.0.1/24` or `fd00::1/64`. */
export interface End {
  readonly host: Host;
  readonly name: string;
  readonly addresses?: readonly string[];
}

export interface Cable {
  readonly left: End;
  readonly right: End;
  readonly mtu: number;
}

/** One line a cable: `[a] eth0 10.0.0.1/24 ───── 1500 ───── 10.0.0.2/24 eth0 [b]`. */
export function drawCables(cables: readonly Cable[]): string {
  const left = cables.map(({ left: end }) =>
    `[${end.host.name}] ${end.name} ${(end.addresses ?? []).join(' ')}`.trim(),
  );
  const right = cables.map(({ right: end }) =>
    `${(end.addresses ?? []).join(' ')} ${end.name} [${end.host.name}]`.trim(),
  );
  const width = Math.max(0, ...left.map((text) => text.length));
  return cables.map((cable, i) => `${left[i]?.padEnd(width)} ──── ${cable.mtu} ──── ${right[i]}\n`).join('');
}
