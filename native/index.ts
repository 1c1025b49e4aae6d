/**
 * TUN, UDP and AEAD in batches, and netlink: one addon in C on Node-API 8, mechanism only.
 *
 * ```ts
 * const native = loadNative();
 * if ('reason' in native) console.error(native.reason);
 * else console.log(native.addon.linkInfo('lo')?.mtu);
 * ```
 * @module
 */
export type { Addon, AddonLayout, CoalescedWrite } from './addon.ts';
export type { LoadResult } from './load.ts';
export { findLayoutDifference, loadNative } from './load.ts';
export type { AddressEvent, LinkEvent, Network, NetworkEvent, Route, RouteEvent } from './network.ts';
export type { Fault, Features, Plane, PlaneOptions, TunInfo } from './plane.ts';
