/** Metrics and health, for processes that were asked for them: what it takes is loaded then. */
import type { ListenAddress } from '../settings/parse.ts';
import type { MetricsSources } from './serve-metrics.ts';

/** @returns what closes the port; does nothing where there is no place for it. @throws CliError */
export async function startMetrics(
  place: ListenAddress | undefined,
  sources: MetricsSources,
): Promise<() => Promise<void>> {
  if (place === undefined) return async () => {};
  const { serveMetrics } = await import('./serve-metrics.ts');
  return (await serveMetrics(place, sources)).close;
}
