import { networkInterfaces } from 'node:os';
import { formatAddress, parseAddress } from '@pcloud/ip';
import type { AddressEvent } from '@pcloud/native';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { InterfaceNetwork } from './interface/mesh-interface.ts';

/** The machine's interfaces, addresses and routes. */
export interface MachineNetwork extends InterfaceNetwork {
  deleteLink(name: string): void;
  /** Tells of changes until the function it returns is called. */
  watchNetwork(callback: (event: { readonly kind: string }) => void): () => void;
}

/** Changes come in storms: one look a storm is enough. Milliseconds. */
const SETTLE_MS = 250;

/** Calls back once the machine's addresses and routes have changed and are quiet again. @returns a function that ends it */
export function watchMachine(network: MachineNetwork, clock: Clock, changed: () => void): () => void {
  let cancel: (() => void) | undefined;
  const stop = network.watchNetwork(({ kind }) => {
    if (kind !== 'address' && kind !== 'route' && kind !== 'overrun') return;
    cancel ??= clock.setTimer(() => {
      cancel = undefined;
      changed();
    }, SETTLE_MS);
  });
  return () => {
    cancel?.();
    stop();
  };
}

/** What the machine's ways to the outside hang on: its addresses and gateways, but for those of one interface. */
export function outsideOf(
  network: Pick<MachineNetwork, 'linkInfo' | 'addressList' | 'routeList'>,
  name: string,
): string {
  const index = network.linkInfo(name)?.index;
  const addresses = network.addressList().filter((one) => one.index !== index);
  const gateways = network.routeList().filter((one) => one.index !== index && one.gateway !== undefined);
  return [
    ...addresses.map((one) => `${one.index} ${formatAddress(one.address)}`),
    ...gateways.map((one) => `${one.index} via ${formatAddress(one.gateway!)} ${formatAddress(one.destination)}`),
  ]
    .sort()
    .join();
}

/** How often addresses are looked at where nobody tells of changes. */
const POLL_MS = 10_000;

/**
 * What Node knows without the addon: addresses. The interface and its routes are those of whoever handed the
 * TUN over, and are left alone.
 */
export function createPortableMachine(log: Logger): MachineNetwork {
  let said = false;
  const leave = (): void => {
    if (!said) log.info({}, 'no addon; addresses and routes of the interface are left to whoever made it');
    said = true;
  };
  return {
    linkInfo: () => undefined,
    linkSet: leave,
    deleteLink: leave,
    addressList: () => listAddresses(),
    addressAdd: leave,
    addressRemove: leave,
    routeList: () => [],
    routeAdd: leave,
    routeRemove: leave,
    watchNetwork(callback) {
      leave();
      let last = JSON.stringify(networkInterfaces());
      const timer = setInterval(() => {
        const now = JSON.stringify(networkInterfaces());
        if (now !== last) callback({ kind: 'address' });
        last = now;
      }, POLL_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

function listAddresses(): AddressEvent[] {
  return Object.values(networkInterfaces())
    .flatMap((infos) => infos ?? [])
    .flatMap((info) => {
      const address = parseAddress(info.address.replace(/%.*/, ''));
      if (address === undefined) return [];
      const scope = info.internal ? 254 : info.family === 'IPv6' && info.scopeid !== 0 ? 253 : 0;
      const prefixLength = Number(info.cidr?.split('/')[1] ?? address.length * 8);
      return [{ kind: 'address', index: -1, address, prefixLength, scope, temporary: false, removed: false } as const];
    });
}
