/**
 * The WireGuard protocol as a pure state machine.
 * @module
 */
export type { AllowedIps } from './allowed-ips.ts';
export { createAllowedIps } from './allowed-ips.ts';
export type { Batch } from './batch.ts';
export { createBatch, DATAGRAM, FRAME, LAYOUT, REGIONS, SLAB_BYTES } from './batch.ts';
export type { Crypto, TransportKey } from './crypto.ts';
export { createNobleCrypto } from './crypto-noble.ts';
export type { DataPlane, KeyStore } from './data-plane.ts';
export { createDevice } from './device.ts';
export type {
  CounterName,
  Device,
  DeviceDeps,
  DeviceEvent,
  DeviceOptions,
  Output,
  Peer,
  PeerReason,
  TimeoutReason,
} from './device-api.ts';
export type { WireGuardErrorCode } from './errors.ts';
export { WireGuardError } from './errors.ts';
export { openDatagrams } from './open-datagrams.ts';
export { createFrameSealer, type FrameSealer, paddingLength, type SealDeps } from './seal-frames.ts';
export type { Uapi, UapiDeps, UapiHost, UapiSession } from './uapi/index.ts';
export { createUapi, ERRNO, formatDevice } from './uapi/index.ts';
