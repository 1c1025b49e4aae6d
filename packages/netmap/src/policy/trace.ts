import type { Verdict } from './decide.ts';
import type { BehindNode, PolicyNode } from './node.ts';
import { hasPorts, protocolName } from './ports.ts';

/** A flow that somebody asks about. */
export interface TracedFlow {
  readonly src: PolicyNode | BehindNode;
  readonly dst: PolicyNode | BehindNode | string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly port: number;
}

/** `laptop to nas, tcp 22: allowed by rules[2], line 9`, and for what is refused why. */
export function formatTrace({ src, dst, protocol, port }: TracedFlow, verdict: Verdict): string {
  const traffic = `${protocolName(protocol)}${hasPorts(protocol) ? ` ${port}` : ''}`;
  return `${endName(src)} to ${endName(dst)}, ${traffic}: ${explain(verdict)}`;
}

function explain({ because, rule, line, what }: Verdict): string {
  const place = rule === undefined ? undefined : `rules[${rule}], line ${line}`;
  switch (because) {
    case 'rule':
      return `allowed by ${place}`;
    case 'floor':
      return `allowed by the floor: ${what} of servers, which no policy takes away`;
    case 'ceiling': {
      const but = place === undefined ? '' : `; ${place} would allow it`;
      return `refused by the ceiling: ${what} of servers, which no policy opens to it${but}`;
    }
    case 'disabled':
      return 'refused: the device of a user who is disabled or gone takes no part';
    case 'unknown':
      return 'refused: no such address, or no route of that node leads there';
    case 'default':
      return 'refused: no rule allows it';
  }
}

function endName(end: PolicyNode | BehindNode | string): string {
  if (typeof end === 'string') return end;
  return 'via' in end ? `${end.address} behind ${end.via.name}` : end.name;
}
