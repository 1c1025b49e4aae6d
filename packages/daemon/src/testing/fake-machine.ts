import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '@pcloud/ip';
import type { AddressEvent, RouteEvent } from '@pcloud/native';
import type { MachineNetwork } from '../mesh/machine.ts';

/** A machine's interfaces, addresses and routes in memory. Interface 2 is eth0. */
export interface FakeMachine extends MachineNetwork {
  /** `eth0 192.168.1.5/24` */
  addresses(): string[];
  /** `eth0 10.0.0.0/24 via 10.0.0.1` */
  routes(): string[];
  addAddress(name: string, text: string): void;
  removeAddress(name: string, text: string): void;
  addRoute(name: string, prefix: string, gateway?: string): void;
  /** What was changed through netlink, in order. */
  readonly changes: string[];
  /** What the kernel refuses to do, as it stands in `changes`. */
  readonly refused: Set<string>;
}

export function createFakeMachine(): FakeMachine {
  const links = new Map([['eth0', { index: 2, mtu: 1_500, up: true }]]);
  let addresses: AddressEvent[] = [];
  let routes: RouteEvent[] = [];
  const watchers = new Set<(event: { readonly kind: string }) => void>();
  const changes: string[] = [];
  const refused = new Set<string>();
  let nextIndex = 3;

  const nameOf = (index: number): string => [...links].find(([, link]) => link.index === index)?.[0] ?? '?';
  const tell = (kind: string): void => {
    for (const watcher of watchers) watcher({ kind });
  };
  const note = (change: string): void => {
    if (refused.has(change)) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    changes.push(change);
  };
  const linkOf = (name: string): { index: number; mtu: number; up: boolean } => {
    let link = links.get(name);
    if (link === undefined) {
      // The TUN of memory hands comes to be with its first change.
      link = { index: nextIndex++, mtu: 1_420, up: false };
      links.set(name, link);
    }
    return link;
  };
  const addressEvent = (name: string, address: Uint8Array, prefixLength: number): AddressEvent => ({
    kind: 'address',
    index: linkOf(name).index,
    address,
    prefixLength,
    scope: 0,
    temporary: false,
    removed: false,
  });
  const sameAddress = (index: number, address: Uint8Array) => (one: AddressEvent) =>
    one.index === index && formatAddress(one.address) === formatAddress(address);

  return {
    changes,
    refused,
    addresses: () =>
      addresses.map(({ index, address, prefixLength }) => `${nameOf(index)} ${formatAddress(address)}/${prefixLength}`),
    routes: () =>
      routes.map(({ index, destination, prefixLength, gateway }) => {
        const prefix = formatPrefix({ address: destination, length: prefixLength });
        return `${nameOf(index)} ${prefix}${gateway ? ` via ${formatAddress(gateway)}` : ''}`;
      }),
    addAddress(name, text) {
      const [address, length] = text.split('/');
      addresses.push(addressEvent(name, parseAddress(address!)!, Number(length)));
      tell('address');
    },
    removeAddress(name, text) {
      const address = parseAddress(text.split('/')[0]!)!;
      const isIt = sameAddress(linkOf(name).index, address);
      addresses = addresses.filter((one) => !isIt(one));
      tell('address');
    },
    addRoute(name, text, gateway) {
      const prefix = parsePrefix(text)!;
      routes.push({
        kind: 'route',
        destination: prefix.address,
        prefixLength: prefix.length,
        table: 254,
        index: linkOf(name).index,
        metric: 0,
        mtu: 0,
        type: 1,
        removed: false,
        ...(gateway === undefined ? {} : { gateway: parseAddress(gateway)! }),
      });
      tell('route');
    },
    linkInfo: (name) => links.get(name),
    linkSet(name, change) {
      note(`link ${name} ${JSON.stringify(change)}`);
      Object.assign(linkOf(name), change);
      tell('link');
    },
    deleteLink(name) {
      note(`delete ${name}`);
      const { index } = linkOf(name);
      addresses = addresses.filter((one) => one.index !== index);
      routes = routes.filter((one) => one.index !== index);
      links.delete(name);
      tell('link');
    },
    addressList: (name) => addresses.filter((one) => name === undefined || one.index === links.get(name)?.index),
    addressAdd(name, address, prefixLength) {
      note(`address ${formatAddress(address)}/${prefixLength}`);
      addresses.push(addressEvent(name, address, prefixLength));
      tell('address');
    },
    addressRemove(name, address, prefixLength) {
      note(`no address ${formatAddress(address)}/${prefixLength}`);
      const isIt = sameAddress(linkOf(name).index, address);
      addresses = addresses.filter((one) => !isIt(one));
      tell('address');
    },
    routeList: () => routes,
    routeAdd({ destination, prefixLength, interfaceIndex, source }) {
      note(`route ${formatPrefix({ address: destination, length: prefixLength })}`);
      routes.push({
        kind: 'route',
        destination,
        prefixLength,
        table: 254,
        index: interfaceIndex,
        metric: 0,
        mtu: 0,
        type: 1,
        removed: false,
        ...(source === undefined ? {} : { source }),
      });
      tell('route');
    },
    routeRemove({ destination, prefixLength, interfaceIndex }) {
      const text = formatPrefix({ address: destination, length: prefixLength });
      note(`no route ${text}`);
      routes = routes.filter(
        (one) =>
          one.index !== interfaceIndex || formatPrefix({ address: one.destination, length: one.prefixLength }) !== text,
      );
      tell('route');
    },
    watchNetwork(callback) {
      watchers.add(callback);
      return () => void watchers.delete(callback);
    },
  };
}
