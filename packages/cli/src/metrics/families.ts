/** Metrics whose values somebody else counts: they are read anew at each scrape. */
import { Counter, Gauge, type MetricObject, type Registry } from 'prom-client';

/** A value under labels. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface Families {
  /** A name that ends in `_total`, with the labels that its samples have. */
  counter(name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void;
  gauge(name: string, help: string, labels: readonly string[], read: () => Iterable<Sample>): void;
  histogram(name: string, help: string, read: () => HistogramSample): void;
}

export interface HistogramSample {
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly count: number;
  readonly sum: number;
}

export function createFamilies(registry: Registry): Families {
  const options = (name: string, help: string, labels: readonly string[]) => ({
    name,
    help,
    labelNames: labels,
    registers: [registry],
  });
  return {
    counter(name, help, labels, read) {
      const metric: Counter = new Counter({
        ...options(name, help, labels),
        collect() {
          metric.reset();
          for (const [values, value] of read()) metric.inc({ ...values }, value);
        },
      });
    },
    gauge(name, help, labels, read) {
      const metric: Gauge = new Gauge({
        ...options(name, help, labels),
        collect() {
          metric.reset();
          for (const [values, value] of read()) metric.set({ ...values }, value);
        },
      });
    },
    histogram: (name, help, read) => registry.registerMetric(givenHistogram(name, help, read) as never),
  };
}

/** A histogram of prom-client observes by itself; this one was observed elsewhere. */
function givenHistogram(name: string, help: string, read: () => HistogramSample) {
  return {
    name,
    async get(): Promise<unknown> {
      const { buckets, count, sum } = read();
      const rows = [
        ...buckets.map(({ bound, count: below }) => [String(bound), below] as const),
        ['+Inf', count] as const,
      ];
      return {
        name,
        help,
        type: 'histogram' as unknown as MetricObject['type'],
        aggregator: 'sum',
        values: [
          ...rows.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { le }, value })),
          { metricName: `${name}_sum`, labels: {}, value: sum },
          { metricName: `${name}_count`, labels: {}, value: count },
        ],
      };
    },
    reset() {},
  };
}

/** Samples of a record, its keys as values of a label. */
export function* byLabel(label: string, values: Readonly<Record<string, number>>): Generator<Sample> {
  for (const [key, value] of Object.entries(values)) yield [{ [label]: key }, value];
}

export function* one(value: number | undefined): Generator<Sample> {
  if (value !== undefined) yield [{}, value];
}
