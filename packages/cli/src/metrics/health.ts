import type { CoordinatorHealth, RunningCoordinator } from '@pcloud/coordinator';
import type { MeshDaemon } from '@pcloud/daemon';

export interface Health {
  readonly isWell: boolean;
  readonly parts: Readonly<Record<string, unknown>>;
}

export interface HealthSources {
  readonly coordinator?: Pick<RunningCoordinator, 'health'> | undefined;
  readonly daemon?: Pick<MeshDaemon, 'figures'> | undefined;
}

/**
 * Whether what runs here does its work: the store answers, the certificate is in its time. A device without its server
 * is well, for its tunnel works.
 */
export async function readHealth({ coordinator, daemon }: HealthSources, wallMs: number): Promise<Health> {
  const health = await coordinator?.health();
  const figures = daemon?.figures();
  return {
    isWell: health === undefined || (health.storeFault === undefined && wallMs < health.certificate.untilMs),
    parts: {
      ...(health && { store: health.storeFault ?? 'ok', certificate: describe(health.certificate, wallMs) }),
      ...(figures && { device: figures.state, coordinator: figures.connected ? 'connected' : 'away' }),
    },
  };
}

function describe({ isTrusted, untilMs }: CoordinatorHealth['certificate'], wallMs: number) {
  return { state: wallMs < untilMs ? 'ok' : 'expired', trusted: isTrusted, until: new Date(untilMs).toISOString() };
}
