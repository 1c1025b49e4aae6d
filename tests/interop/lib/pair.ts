import type { Host } from '../../lab/host.ts';
import { createLab, type Lab } from '../../lab/lab.ts';
import { type Implementation, newestPeer, ours } from './implementations.ts';
import { createKeyPair, createPresharedKey, type KeyPair } from './keys.ts';
import { startTunnel, type Tunnel } from './tunnel.ts';

/** An IP version. */
export type Family = 4 | 6;

export interface PairOptions {
  /** Default: ours. */
  readonly left?: Implementation;
  /** Default: the newest wireguard-go. */
  readonly right?: Implementation;
  /** IP version of the network between the two. Default 4. */
  readonly outer?: Family;
  readonly presharedKey?: boolean;
  /** MTU of the cable. Default 1500. */
  readonly cableMtu?: number;
  /** MTU of the tunnels. Default 1420. */
  readonly mtu?: number;
  /** Who knows where the other one is. Default `both`. */
  readonly endpoints?: 'both' | 'left' | 'right' | 'neither';
}

/**
 * Two hosts on one cable, each with a tunnel to the other:
 *
 *     [left] eth0 192.0.2.1/24, 2001:db8::1/64 ──── 192.0.2.2/24, 2001:db8::2/64 eth0 [right]
 *            wg0  10.9.0.1/24,  fd09::1/64           10.9.0.2/24,  fd09::2/64    wg0
 */
export interface Pair {
  readonly lab: Lab;
  readonly left: Tunnel;
  readonly right: Tunnel;
}

/** Addresses of the two sides, by IP version. */
export const OUTER: Readonly<Record<Family, { left: string; right: string }>> = {
  4: { left: '192.0.2.1', right: '192.0.2.2' },
  6: { left: '2001:db8::1', right: '2001:db8::2' },
};
export const INNER: Readonly<Record<Family, { left: string; right: string }>> = {
  4: { left: '10.9.0.1', right: '10.9.0.2' },
  6: { left: 'fd09::1', right: 'fd09::2' },
};

/** `address:port` as `wg` writes it. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Builds a pair; close its lab at the end. */
export async function createPair(options: PairOptions = {}): Promise<Pair> {
  const lab = createLab();
  try {
    const [leftHost, rightHost] = await Promise.all([lab.host('left'), lab.host('right')]);
    const cable = (side: 'left' | 'right', host: Host) => ({
      host,
      name: 'eth0',
      addresses: [`${OUTER[4][side]}/24`, `${OUTER[6][side]}/64`],
    });
    const mtu = options.cableMtu === undefined ? {} : { mtu: options.cableMtu };
    await lab.connect(cable('left', leftHost), cable('right', rightHost), mtu);
    const [left, right] = await Promise.all([
      startSide(leftHost, 'left', options.left ?? ours(), options.mtu),
      startSide(rightHost, 'right', options.right ?? newestPeer(), options.mtu),
    ]);
    await introduce(left, right, options);
    return { lab, left, right };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** Starts the tunnel of one side with its usual addresses. */
export function startSide(
  host: Host,
  side: 'left' | 'right',
  implementation: Implementation,
  mtu = 1420,
  keys: KeyPair = createKeyPair(),
): Promise<Tunnel> {
  const addresses = [`${INNER[4][side]}/24`, `${INNER[6][side]}/64`];
  return startTunnel({ host, implementation, addresses, mtu, keys });
}

/** Makes the two peers of each other. */
async function introduce(left: Tunnel, right: Tunnel, options: PairOptions): Promise<void> {
  const { outer = 4, endpoints = 'both' } = options;
  const secret = options.presharedKey ? { presharedKey: createPresharedKey() } : {};
  const peer = (side: 'left' | 'right', port: number, isKnown: boolean) => ({
    ...secret,
    ...(isKnown ? { endpoint: endpointText(OUTER[outer][side], port) } : {}),
    allowedIps: [`${INNER[4][side]}/32`, `${INNER[6][side]}/128`],
  });
  await left.setPeer(right.keys.publicKey, peer('right', right.port, endpoints === 'both' || endpoints === 'left'));
  await right.setPeer(left.keys.publicKey, peer('left', left.port, endpoints === 'both' || endpoints === 'right'));
}

/** Runs a scenario on a pair; prints what the tunnels logged when it fails. */
export async function withPair(options: PairOptions, scenario: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await createPair(options);
  await finish(pair.lab, [pair.left, pair.right], () => scenario(pair));
}

/** Runs a scenario in a lab and closes it; prints what the tunnels logged when it fails. */
export async function finish(lab: Lab, tunnels: readonly Tunnel[], scenario: () => Promise<void>): Promise<void> {
  try {
    await scenario();
  } catch (error) {
    for (const { host, process } of tunnels) console.error(`--- ${host.name}\n${process.output().slice(-3000)}`);
    throw error;
  } finally {
    await lab.close();
  }
}
