/** What can happen to two devices and the network between them, drawn at random. */
import * as fc from 'fast-check';

/** Side 0 or 1, and times in milliseconds. */
export type Operation =
  | { readonly kind: 'send'; readonly side: number; readonly count: number }
  /** Packets from an address that the other side does not give to this one. */
  | { readonly kind: 'spoof'; readonly side: number }
  | { readonly kind: 'wait'; readonly ms: number }
  /** A packet each way every second. */
  | { readonly kind: 'talk'; readonly seconds: number }
  | {
      readonly kind: 'link';
      readonly delayMs: number;
      readonly jitterMs: number;
      readonly loss: number;
      readonly duplicate: number;
    }
  | { readonly kind: 'roam'; readonly side: number }
  | { readonly kind: 'change-key'; readonly side: number }
  | { readonly kind: 'change-preshared-key' }
  | { readonly kind: 'restart-interface'; readonly side: number; readonly ms: number }
  | { readonly kind: 'replace-peer'; readonly side: number; readonly ms: number }
  /** The other side's address is given to somebody else, for so long. */
  | { readonly kind: 'disown'; readonly side: number; readonly ms: number }
  | { readonly kind: 'keepalive'; readonly side: number; readonly seconds: number }
  | { readonly kind: 'sleep'; readonly side: number; readonly ms: number }
  | { readonly kind: 'step-clock'; readonly ms: number }
  /** Everything that was sent so far, or the last of it, comes once more from elsewhere. */
  | { readonly kind: 'replay'; readonly count: number };

const side = fc.nat(1);
const shortMs = fc.oneof(fc.nat(50), fc.nat(3_000));
const anyMs = fc.oneof(fc.nat(50), fc.nat(20_000), fc.constantFrom(119_000, 121_000, 166_000, 181_000, 541_000));
const chance = fc.constantFrom(0, 0, 0.1, 0.3, 0.9);

/** Weighted so that most of what happens is traffic and time. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('send'), side, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('spoof'), side }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('wait'), ms: anyMs }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('talk'), seconds: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('link'),
      delayMs: fc.constantFrom(0, 10, 400, 3_000),
      jitterMs: fc.constantFrom(0, 50, 2_000),
      loss: fc.oneof(chance, fc.constant(1)),
      duplicate: chance,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('roam'), side }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change-key'), side }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change-preshared-key') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart-interface'), side, ms: shortMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace-peer'), side, ms: shortMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disown'), side, ms: shortMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('keepalive'), side, seconds: fc.constantFrom(0, 1, 25) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sleep'), side, ms: anyMs }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('step-clock'), ms: fc.constantFrom(-86_400_000, 86_400_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replay'), count: fc.constantFrom(1, 10, 1_000) }) },
);
