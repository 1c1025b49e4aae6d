/**
 * Hosts, cables, routers and address translation in network namespaces, for tests that need a real kernel.
 *
 * ```ts
 * const lab = createLab();
 * const [a, b] = [await lab.host('a'), await lab.host('b')];
 * await lab.connect(
 *   { host: a, name: 'eth0', addresses: ['192.168.0.1/24'] },
 *   { host: b, name: 'eth0', addresses: ['192.168.0.2/24'] },
 * );
 * await a.run(['ping', '-c', '1', '192.168.0.2']);
 * await lab.close();
 * ```
 *
 * Each host has its own network, `/run` (and with it `/run/wireguard`), `/etc/wireguard`, process ids and
 * host name; the rest of the file system is the machine's. Nothing touches the machine's own network.
 */
export { createHost, type Host } from './host.ts';
export { createLab, type Lab } from './lab.ts';
export { forgetMappings, type NatOptions, translate } from './nat.ts';
export type { Cable, End } from './picture.ts';
export type { Command, Exit, LabProcess, RunOptions, RunResult } from './process.ts';
export { type ReportRow, reportRow } from './report.ts';
export * from './traffic.ts';
export * from './wait.ts';
export * from './wireguard.ts';
