import { readFileSync } from 'node:fs';
import { parseAddress } from '@pcloud/ip';

/** Where resolvers of the machine are written down: what programs ask, and what systemd-resolved asks behind it. */
const FILES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** Addresses of the machine's resolvers, those that can be read. */
export function readNameservers(files: readonly string[] = FILES): Uint8Array[] {
  return files.flatMap((file) => {
    try {
      return parseNameservers(readFileSync(file, 'utf8'));
    } catch {
      return [];
    }
  });
}

/** `nameserver` lines of resolv.conf(5). */
export function parseNameservers(text: string): Uint8Array[] {
  return text
    .split('\n')
    .map((line) => /^\s*nameserver\s+([0-9a-fA-F.:]+)/.exec(line)?.[1])
    .map((address) => (address === undefined ? undefined : parseAddress(address)))
    .filter((address) => address !== undefined);
}
