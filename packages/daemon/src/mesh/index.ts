/** The mesh daemon: this device in its network. */
export { askDaemon, DaemonRefusal, type DaemonRequest, followDaemon } from './api/client.ts';
export type { PingAnswer } from './api/ping.ts';
export { DAEMON_SOCKET } from './api/server.ts';
export { OperationError } from './control/requests.ts';
export type { ConnectControl, ControlTransport } from './control/transport.ts';
export type { EventBus, MeshEvent } from './events.ts';
export type { DaemonFigures } from './figures.ts';
export type { Conflict } from './interface/plan.ts';
export { type JoinOutcome, type JoinTarget, targetOfLink } from './join-target.ts';
export type { DnsMode, MeshNames, NamesStatus } from './names.ts';
export type { MeshSeams } from './seams.ts';
export { type MeshDaemon, type MeshDaemonDeps, type MeshDaemonOptions, startMeshDaemon } from './start.ts';
export { processName } from './state/state-lock.ts';
export type { MeshPeerStatus, MeshState, MeshStatus } from './status.ts';
export { type StatusAtRestOptions, statusAtRest } from './status-at-rest.ts';
