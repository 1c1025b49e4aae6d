import { type Implementation, newestPeer, ours } from '../../tests/interop/lib/implementations.ts';

/** Someone in a race. */
export interface Contestant {
  readonly name: string;
  readonly implementation: Implementation;
}

/** The name of whom the others are compared to. */
export const REFERENCE = 'wireguard-go';

/** The newest wireguard-go at hand. */
export function reference(): Contestant {
  return { name: REFERENCE, implementation: newestPeer() };
}

/** Every provider and way of I/O that can be chosen, and the reference. */
export function everyContestant(): Contestant[] {
  const own = (name: string, ...flags: readonly string[]): Contestant => ({
    name,
    implementation: ours('native', ...flags),
  });
  return [
    own('ipsec-mb', '--crypto', 'native', '--aead', 'ipsec-mb'),
    own('evp', '--crypto', 'native', '--aead', 'evp'),
    own('node', '--crypto', 'node'),
    own('noble', '--crypto', 'noble'),
    own('noble, dgram', '--crypto', 'noble', '--bind', 'dgram'),
    own('evp, offload off', '--crypto', 'native', '--aead', 'evp', '--offload', 'off'),
    reference(),
  ];
}
