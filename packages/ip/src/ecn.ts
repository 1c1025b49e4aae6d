/** Explicit congestion notification across a tunnel: RFC 6040, normal mode. */

/** The ECN field, the two low bits of the TOS or traffic class byte (RFC 3168 section 5). */
export const ECN = { NOT_ECT: 0, ECT_1: 1, ECT_0: 2, CE: 3 } as const;

/** What an egress does, by outer and by inner codepoint (RFC 6040 section 4.2, figure 4); -1 is drop. */
const EGRESS = {
  [ECN.NOT_ECT]: [ECN.NOT_ECT, ECN.ECT_1, ECN.ECT_0, ECN.CE],
  [ECN.ECT_1]: [ECN.NOT_ECT, ECN.ECT_1, ECN.ECT_1, ECN.CE],
  [ECN.ECT_0]: [ECN.NOT_ECT, ECN.ECT_1, ECN.ECT_0, ECN.CE],
  [ECN.CE]: [-1, ECN.CE, ECN.CE, ECN.CE],
} as const;

/** The outer TOS byte for an inner one: its ECN field copied, DSCP 0, so that classes do not show outside (RFC 6040 section 4.1). */
export function encapsulateEcn(innerTos: number): number {
  return innerTos & 3;
}

/**
 * The ECN field (0–3) that a packet leaves the tunnel with, or -1 when it must be dropped: congestion was
 * met on a packet whose sender would never hear of it.
 */
export function decapsulateEcn(outerTos: number, innerTos: number): number {
  return EGRESS[(outerTos & 3) as keyof typeof EGRESS][innerTos & 3]!;
}
