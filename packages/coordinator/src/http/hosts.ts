import { isIP } from 'node:net';

/**
 * Whether a Host header names this server. An address always may: what DNS rebinding needs is a name of the
 * attacker's. Names must be known.
 */
export function isOwnHost(header: string, names: Iterable<string>): boolean {
  const host = hostnameOf(header);
  if (host === undefined) return false;
  if (host === 'localhost' || isIP(host.replace(/^\[|\]$/g, '')) !== 0) return true;
  for (const name of names) if (name.toLowerCase() === host) return true;
  return false;
}

function hostnameOf(header: string): string | undefined {
  if (!/^[A-Za-z0-9.\-_]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/.test(header)) return undefined;
  try {
    return new URL(`http://${header}`).hostname.replace(/\.$/, '').toLowerCase();
  } catch {
    return undefined;
  }
}
