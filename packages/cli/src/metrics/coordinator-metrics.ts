import type { RunningCoordinator } from '@pcloud/coordinator';
import { byLabel, type Families, one, type Sample } from './families.ts';

/** What is to be known of a coordinator. No name of a person or a device is in it. */
export function addCoordinatorMetrics(
  families: Families,
  coordinator: Pick<RunningCoordinator, 'figures' | 'health'>,
): void {
  const of = () => coordinator.figures();
  const { counter, gauge, histogram } = prefixed('pcloud_coordinator_', families);

  gauge('nodes', 'Devices of the network', [], () => one(of().nodes));
  gauge('connected_nodes', 'Devices that are connected to this server', [], () => one(of().connected));
  counter('joins_total', 'Machines that became devices of the network', [], () => one(of().joins));
  counter('channels_total', 'Connections of devices, by what became of them', ['event'], () =>
    byLabel('event', of().channels),
  );
  counter(
    'refusals_total',
    'What was turned away, by part and code',
    ['part', 'code'],
    function* (): Generator<Sample> {
      for (const [key, value] of Object.entries(of().refused)) {
        const [part = '', code = ''] = key.split('.');
        yield [{ part, code }, value];
      }
    },
  );
  counter('messages_sent_total', 'Messages to devices, by kind: map, delta, presence', ['kind'], () =>
    byLabel('kind', pick(of().sent, 'messages')),
  );
  counter('message_bytes_sent_total', 'Bytes of messages to devices, before encryption, by kind', ['kind'], () =>
    byLabel('kind', pick(of().sent, 'bytes')),
  );
  counter('operations_total', 'Operations that were asked for, by name and code', ['operation', 'code'], function* () {
    for (const [operation, codes] of Object.entries(of().operations)) {
      for (const [code, value] of Object.entries(codes)) yield [{ operation, code }, value] as Sample;
    }
  });
  counter('audit_entries_total', 'Entries written to the audit log', [], () => one(of().auditEntries));
  counter('store_commits_total', 'Commits of the store, by outcome', ['outcome'], () =>
    byLabel('outcome', of().store.commits),
  );
  histogram('store_commit_seconds', 'How long commits of the store take', () => of().store.seconds);
}

function pick(
  sent: ReturnType<RunningCoordinator['figures']>['sent'],
  what: 'messages' | 'bytes',
): Record<string, number> {
  return Object.fromEntries(Object.entries(sent).map(([kind, counts]) => [kind, counts[what]]));
}

/** The same families under names that begin with a prefix. */
export function prefixed(prefix: string, { counter, gauge, histogram }: Families): Families {
  return {
    counter: (name, ...rest) => counter(`${prefix}${name}`, ...rest),
    gauge: (name, ...rest) => gauge(`${prefix}${name}`, ...rest),
    histogram: (name, ...rest) => histogram(`${prefix}${name}`, ...rest),
  };
}
