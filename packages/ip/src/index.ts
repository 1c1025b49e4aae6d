/**
 * Addresses, prefixes, packet headers and checksums. Pure.
 * @module
 */
export { ENDPOINT } from './endpoint.ts';
