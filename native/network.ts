/** An interface, as it is now or as it came to be. */
export interface LinkEvent {
  readonly kind: 'link';
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly up: boolean;
  /** There is a carrier. */
  readonly running: boolean;
  readonly removed: boolean;
}

/** An address of this machine. */
export interface AddressEvent {
  readonly kind: 'address';
  /** Interface index. */
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** 0 everywhere, 253 this link, 254 this host. */
  readonly scope: number;
  /** A privacy address of IPv6, which will go. */
  readonly temporary: boolean;
  readonly removed: boolean;
}

/** A route. */
export interface RouteEvent {
  readonly kind: 'route';
  /** 4 or 16 bytes. */
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  readonly table: number;
  /** Interface index, 0 for none. */
  readonly index: number;
  readonly metric: number;
  /** 0 when it does not set one. */
  readonly mtu: number;
  /** rtnetlink's route type: 1 unicast, 2 local, 6 blackhole, 7 unreachable, 8 prohibit. */
  readonly type: number;
  readonly gateway?: Uint8Array;
  /** Preferred source. */
  readonly source?: Uint8Array;
  readonly removed: boolean;
}

/** A change of the network. `overrun`: more changed than could be told, look for yourself. */
export type NetworkEvent = LinkEvent | AddressEvent | RouteEvent | { readonly kind: 'overrun' | 'other' };

/** A route to add, or to find and remove. Addresses are 4 or 16 bytes, all of one family. */
export interface Route {
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  /** 0 for none, where a gateway leads. */
  readonly interfaceIndex: number;
  readonly gateway?: Uint8Array;
  /** Preferred source. */
  readonly source?: Uint8Array;
  /** Default 254, the main table. */
  readonly table?: number;
  readonly metric?: number;
  /** Bytes; 0 or left out: the interface's. */
  readonly mtu?: number;
}

/**
 * Interfaces, addresses and routes of the network namespace that the process is in, by rtnetlink. Every
 * call throws an Error with `code` (EPERM, EEXIST, ESRCH, ENODEV, …) and `syscall` where it fails.
 */
export interface Network {
  /** Undefined when there is no such interface. */
  linkInfo(name: string): { readonly index: number; readonly mtu: number; readonly up: boolean } | undefined;
  linkSet(name: string, change: { readonly up?: boolean; readonly mtu?: number }): void;
  deleteLink(name: string): void;
  /** Adds an address of 4 or 16 bytes; an IPv6 one without duplicate address detection. */
  addressAdd(name: string, address: Uint8Array, prefixLength: number): void;
  addressRemove(name: string, address: Uint8Array, prefixLength: number): void;
  /** Addresses of one interface, or of all. */
  addressList(name?: string): AddressEvent[];
  routeAdd(route: Route): void;
  routeRemove(route: Route): void;
  /** Routes of one table, or of all. */
  routeList(filter?: { readonly table?: number }): RouteEvent[];
  /** Tells of changes until the function it returns is called. Does not keep the process alive. */
  watchNetwork(callback: (event: NetworkEvent) => void): () => void;
}
