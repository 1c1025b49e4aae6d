/**
 * The process on every device: TUN, UDP, driver loop, UAPI socket.
 * @module
 */

export { type SelectCryptoOptions, type SelectedCrypto, selectCrypto } from './crypto/select.ts';
export type { DaemonErrorCode } from './errors.ts';
export { DaemonError } from './errors.ts';
export { checkInterfaceName } from './interface-name.ts';
export { createLineLogger, type LogFields, type Logger, type LogLevel, parseLogLevel, silentLogger } from './log.ts';
export {
  askDaemon,
  type Conflict,
  type ConnectControl,
  type ControlTransport,
  DAEMON_SOCKET,
  type DaemonFigures,
  DaemonRefusal,
  type DaemonRequest,
  type DnsMode,
  type EventBus,
  followDaemon,
  type JoinOutcome,
  type JoinTarget,
  type MeshDaemon,
  type MeshDaemonDeps,
  type MeshDaemonOptions,
  type MeshEvent,
  type MeshNames,
  type MeshPeerStatus,
  type MeshSeams,
  type MeshState,
  type MeshStatus,
  type NamesStatus,
  OperationError,
  type PingAnswer,
  processName,
  type StatusAtRestOptions,
  startMeshDaemon,
  statusAtRest,
  targetOfLink,
} from './mesh/index.ts';
export type { PeerStatus, TunnelStatus } from './status.ts';
export { readStatus, STATUS_SUFFIX } from './status-socket.ts';
export { type RunningWireGuard, startWireGuard, type WireGuardDeps, type WireGuardOptions } from './wireguard.ts';
