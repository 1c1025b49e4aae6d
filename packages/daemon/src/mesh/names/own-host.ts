import { formatAddress, type Prefix, prefixContains, prefixesOverlap } from '@pcloud/ip';
import type { AddressEvent, RouteEvent } from '@pcloud/native';
import type { Clock } from '../../clock.ts';
import type { MachineNetwork } from '../machine.ts';

/** What of the machine's addresses and routes the resolver has to know. */
export interface OwnHost {
  /** Whether a packet from this address comes from this machine. */
  isOwn(address: string): boolean;
  /** Whether packets to an address leave by another interface than the mesh's, as far as routes can be seen. */
  goesOutside(address: Uint8Array): boolean;
  /** Whether another interface has a range that overlaps the prefix. */
  overlaps(prefix: Prefix): boolean;
}

export interface OwnHostDeps {
  /** Of the mesh interface. */
  readonly interfaceName: string;
  readonly network: Pick<MachineNetwork, 'linkInfo' | 'addressList' | 'routeList'>;
  readonly clock: Pick<Clock, 'now'>;
}

interface Picture {
  readonly takenAtMs: number;
  readonly ownIndex: number | undefined;
  readonly addresses: readonly AddressEvent[];
  readonly routes: readonly RouteEvent[];
}

/** Questions come in bursts: one look at the machine serves them all. Milliseconds. */
const PICTURE_AGE_MS = 1_000;
const RETAKE_AGE_MS = 100;
const MAIN_TABLE = 254;

export function createOwnHost({ interfaceName, network, clock }: OwnHostDeps): OwnHost {
  let picture: Picture | undefined;

  function look(): Picture {
    const now = clock.now();
    if (picture !== undefined && now - picture.takenAtMs < PICTURE_AGE_MS) return picture;
    picture = {
      takenAtMs: now,
      ownIndex: network.linkInfo(interfaceName)?.index,
      addresses: network.addressList(),
      routes: network.routeList({ table: MAIN_TABLE }).filter(({ table }) => table === MAIN_TABLE),
    };
    return picture;
  }

  const isOthers = ({ index }: { index: number }, { ownIndex }: Picture): boolean => index !== ownIndex;

  return {
    isOwn(address) {
      const text = address.replace(/%.*/, '');
      if (text.startsWith('127.') || text === '::1') return true;
      const has = (): boolean => look().addresses.some((one) => formatAddress(one.address) === text);
      if (has()) return true;
      // It may be younger than the picture. Strangers do not get to have another taken each time.
      if (clock.now() - look().takenAtMs < RETAKE_AGE_MS) return false;
      picture = undefined;
      return has();
    },
    goesOutside(address) {
      const now = look();
      if (now.ownIndex === undefined) return false;
      let best: RouteEvent | undefined;
      for (const route of now.routes) {
        if (!prefixContains({ address: route.destination, length: route.prefixLength }, address)) continue;
        if (best === undefined || route.prefixLength > best.prefixLength) best = route;
      }
      if (now.addresses.some((one) => isOthers(one, now) && formatAddress(one.address) === formatAddress(address))) {
        return true;
      }
      return best !== undefined && isOthers(best, now);
    },
    overlaps(prefix) {
      const now = look();
      return now.routes.some(
        (route) =>
          isOthers(route, now) &&
          route.prefixLength > 0 &&
          prefixesOverlap(prefix, { address: route.destination, length: route.prefixLength }),
      );
    },
  };
}
