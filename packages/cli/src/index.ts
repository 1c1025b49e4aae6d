/**
 * The commands `pcloud` and `pcloud-wg`: parse, call, print.
 * @module
 */
export { VERSION } from './version.ts';
