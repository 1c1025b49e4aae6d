/** The coordinator's state behind one interface. */
export type { StoreClock, StoreDeps } from './backend.ts';
export { openLevelStore } from './level-store.ts';
export { type Histogram, type MeasuredStore, measureStore, type StoreFigures } from './measured-store.ts';
export { createMemoryStore } from './memory-store.ts';
export { below, encodeRecord, lastPart, readRecord, textKey } from './records.ts';
export * from './store.ts';
