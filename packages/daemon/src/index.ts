/**
 * The process on every device: TUN, UDP, driver loop, UAPI socket.
 * @module
 */
export type { DaemonErrorCode } from './errors.ts';
export { DaemonError } from './errors.ts';
export { createLineLogger, type LogFields, type Logger, type LogLevel, parseLogLevel, silentLogger } from './log.ts';
export type { PeerStatus, TunnelStatus } from './status.ts';
export { readStatus, STATUS_SUFFIX } from './status-socket.ts';
export { type RunningWireGuard, startWireGuard, type WireGuardDeps, type WireGuardOptions } from './wireguard.ts';
