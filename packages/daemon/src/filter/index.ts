/**
 * The packet filter: which packets of which peers come in. Pure: bytes and `now`.
 * @module
 */
export { type BatchFilter, createBatchFilter } from './batch-filter.ts';
export { FLOW_LIMITS, FLOW_TIMEOUT, type FlowLimits } from './constants.ts';
export type { FilterNode } from './node.ts';
export { createPacketFilter, type PacketFilter, type PacketFilterOptions } from './packet-filter.ts';
export type { FilterSelf, FilterSlot } from './rule-book.ts';
export type { DropReason, FilterCounter, Verdict } from './verdict.ts';
