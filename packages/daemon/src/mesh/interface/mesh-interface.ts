import { formatAddress, formatPrefix, isLinkLocal, maskAddress, type Prefix, prefixContains } from '@pcloud/ip';
import type { Network } from '@pcloud/native';
import type { NetworkMap } from '@pcloud/netmap';
import type { Logger } from '../../log.ts';
import { type Conflict, type PlannedRoute, planInterface, prefixesOf } from './plan.ts';

/** Addresses and routes of the mesh interface. */
export interface MeshInterface {
  /** Has the interface be as the map and the machine want it, changing only what differs. */
  apply(map: NetworkMap): void;
  readonly conflict: Conflict | undefined;
}

export type InterfaceNetwork = Pick<
  Network,
  'linkInfo' | 'linkSet' | 'addressList' | 'addressAdd' | 'addressRemove' | 'routeList' | 'routeAdd' | 'routeRemove'
>;

export interface MeshInterfaceDeps {
  readonly name: string;
  readonly network: InterfaceNetwork;
  readonly nameservers: () => readonly Uint8Array[];
  readonly log: Logger;
}

/** What passes everywhere, IPv6's least. Bytes. */
export const MESH_MTU = 1_280;
const MAIN_TABLE = 254;

export function createMeshInterface({ name, network, nameservers, log }: MeshInterfaceDeps): MeshInterface {
  let conflict: Conflict | undefined;
  /** Prefixes that routes of ours may lie in: those of now, and those of before. */
  let known: Prefix[] = [];
  const warned = new Set<string>();

  /** One thing that the kernel refuses does not keep the rest from being done. */
  function attempt(what: string, target: string, act: () => void): void {
    try {
      act();
      warned.delete(what + target);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      if (warned.has(what + target)) return;
      warned.add(what + target);
      log.warn({ what, code }, 'the kernel refused a change of the mesh interface');
      log.debug({ what, target, code }, 'refused change');
    }
  }

  function applyAddresses(index: number, wanted: readonly Uint8Array[]): void {
    const texts = new Set(wanted.map(formatAddress));
    const held = new Set<string>();
    for (const { address, prefixLength, index: at } of network.addressList(name)) {
      if (at !== index || isLinkLocal(address)) continue;
      const text = formatAddress(address);
      if (texts.has(text) && prefixLength === address.length * 8) held.add(text);
      else attempt('remove address', text, () => network.addressRemove(name, address, prefixLength));
    }
    for (const address of wanted) {
      const text = formatAddress(address);
      if (held.has(text)) continue;
      attempt('add address', text, () => network.addressAdd(name, address, address.length * 8));
    }
  }

  function applyRoutes(index: number, wanted: readonly PlannedRoute[], own: readonly Uint8Array[]): void {
    const missing = new Map(wanted.map((route) => [keyOf(route), route]));
    const kernels = new Set(own.map((address) => formatPrefix({ address, length: address.length * 8 })));
    for (const route of network.routeList({ table: MAIN_TABLE })) {
      if (route.index !== index) continue;
      const prefix = { address: route.destination, length: route.prefixLength };
      const key = keyOf({ ...prefix, source: route.source });
      const isOurs = known.some((one) => one.length <= prefix.length && prefixContains(one, prefix.address));
      if (missing.delete(key) || !isOurs || kernels.has(formatPrefix(prefix))) continue;
      attempt('remove route', key, () =>
        network.routeRemove({ destination: prefix.address, prefixLength: prefix.length, interfaceIndex: index }),
      );
    }
    for (const [key, { address, length, source }] of missing) {
      attempt('add route', key, () =>
        network.routeAdd({
          destination: maskAddress(address, length),
          prefixLength: length,
          interfaceIndex: index,
          ...(source === undefined ? {} : { source }),
        }),
      );
    }
  }

  return {
    get conflict() {
      return conflict;
    },
    apply(map) {
      const link = network.linkInfo(name);
      if (link === undefined) return;
      const machine = {
        ownIndex: link.index,
        addresses: network.addressList(),
        routes: network.routeList(),
        nameservers: nameservers(),
      };
      const plan = planInterface(map, machine);
      const prefixes = prefixesOf(map);
      const present = new Set(prefixes.map(formatPrefix));
      known = [...prefixes, ...known.filter((prefix) => !present.has(formatPrefix(prefix)))];
      if (link.mtu !== MESH_MTU) attempt('set MTU', name, () => network.linkSet(name, { mtu: MESH_MTU }));
      if (!link.up) attempt('set up', name, () => network.linkSet(name, { up: true }));
      applyAddresses(link.index, plan.addresses);
      applyRoutes(link.index, plan.routes, plan.addresses);
      if (plan.conflict !== undefined && plan.conflict.sentence !== conflict?.sentence) {
        log.warn(
          { network: plan.conflict.network },
          'the network overlaps a range of this machine; see "pcloud status"',
        );
      }
      conflict = plan.conflict;
    },
  };
}

function keyOf(route: PlannedRoute): string {
  return `${formatPrefix(route)} ${route.source === undefined ? '' : formatAddress(route.source)}`;
}
