import type { MeshDaemon } from '@pcloud/daemon';
import { prefixed } from './coordinator-metrics.ts';
import { byLabel, type Families, one } from './families.ts';

/** What is to be known of a device's daemon. No name and no address is in it. */
export function addDaemonMetrics(families: Families, daemon: Pick<MeshDaemon, 'figures'>): void {
  const of = () => daemon.figures();
  const { counter, gauge } = prefixed('pcloud_daemon_', families);

  gauge('up', 'Whether the device is up in its network', [], () => one(of().state === 'up' ? 1 : 0));
  gauge('coordinator_connected', 'Whether the channel to a server is open', [], () => one(of().connected ? 1 : 0));
  gauge('map_epoch', 'Epoch of the map: a restore raises it', [], () => one(of().map?.epoch));
  gauge('map_revision', 'Revision of the map within its epoch', [], () => one(of().map?.revision));
  gauge('peers', 'Devices of the map, by why they are or are not reached', ['reason'], () =>
    byLabel('reason', of().peers),
  );
  gauge('peers_online', 'Devices of the map that are connected to a server', [], () => one(of().online));
  counter('handshakes_total', 'What became of handshakes with peers', ['event'], () => byLabel('event', of().events));
  counter('received_bytes_total', 'Bytes received from peers', [], () => one(of().rxBytes));
  counter('sent_bytes_total', 'Bytes sent to peers', [], () => one(of().txBytes));
  counter('drops_total', 'Packets that the tunnel dropped, by reason', ['reason'], () =>
    byLabel('reason', drops(of().device)),
  );
  counter('packets_total', 'Packets of the protocol itself, by kind', ['kind'], () =>
    byLabel('kind', others(of().device)),
  );
  counter('filter_drops_total', 'Packets that the filter dropped, by reason', ['reason'], () =>
    byLabel('reason', drops(of().filter)),
  );
  counter('filter_flows_total', 'Flows of the filter, by what became of them', ['event'], () =>
    byLabel('event', others(of().filter)),
  );
  counter('system_faults_total', 'What the kernel refused, by call and error', ['fault'], () =>
    byLabel('fault', of().system),
  );
  counter('names_total', 'Questions for names, by what became of them', ['outcome'], () =>
    byLabel('outcome', of().names),
  );
}

const DROPPED = '-dropped';

function drops(counters: Readonly<Record<string, number>>): Record<string, number> {
  const found = Object.entries(counters).filter(([name]) => name.endsWith(DROPPED));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(0, -DROPPED.length), value]));
}

function others(counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => !name.endsWith(DROPPED)));
}
