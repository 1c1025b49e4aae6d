import { readFileSync } from 'node:fs';
import { createBatch } from '@pcloud/wireguard';
import { createSystemClock } from './clock.ts';
import { chooseCrypto } from './crypto-choice.ts';
import { createDgramBind } from './dgram-bind.ts';
import { DaemonError } from './errors.ts';
import { createFdTun, inspectTunDescriptor } from './fd-tun.ts';
import { DEFAULT_MTU, type Hands, type HandsOptions } from './hands.ts';
import { pollLink } from './link-watch.ts';
import type { Logger } from './log.ts';
import { createPortablePlane } from './portable-plane.ts';
import { createScopes } from './scopes.ts';

/**
 * Hands of Node alone: the TUN is one that was handed over.
 * @param reason why there is no addon
 * @throws DaemonError ADDON_MISSING, BAD_OPTION, CRYPTO_UNAVAILABLE
 */
export function createPortableHands(reason: string, options: HandsOptions, log: Logger): Hands {
  for (const [option, isAsked] of [
    ['--bind native', options.bind === 'native'],
    ['--crypto native', options.crypto === 'native'],
    ['--aead', options.aead !== undefined],
  ] as const) {
    if (isAsked) throw new DaemonError('ADDON_MISSING', `${option}: ${reason}`);
  }
  if (options.tunDescriptor === undefined) {
    throw new DaemonError(
      'ADDON_MISSING',
      `interface "${options.name}" cannot be made: ${reason}; run "npm run build", or hand over a TUN in WG_TUN_FD`,
    );
  }
  const crypto = chooseCrypto(options, log);
  const batch = createBatch();
  const scopes = createScopes();
  const descriptor = inspectTunDescriptor(options.tunDescriptor);
  if (descriptor.blocks) {
    throw new DaemonError('BAD_OPTION', 'WG_TUN_FD: the descriptor blocks; without the addon it must have O_NONBLOCK');
  }
  const tun = createFdTun(options.tunDescriptor, descriptor);
  const bind = createDgramBind(scopes);
  return {
    tun,
    bind,
    plane: createPortablePlane({ tun, bind, crypto, batch }),
    batch,
    crypto,
    clock: createSystemClock(),
    watchLink: pollLink,
    interfaceIndex: (name) => scopes.indexOf(name),
    mtu: readMtu(tun.name),
    dataPlane: 'portable',
    bindName: 'dgram',
    features: () => ({}),
    counters: () => ({ ...bind.counters }),
    close() {},
  };
}

function readMtu(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8').trim()) || DEFAULT_MTU;
  } catch {
    return DEFAULT_MTU;
  }
}
