/** A peer's endpoint as its configuration writes it, where the host is a name. */
export interface NamedEndpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads a WireGuard configuration file (wg(8), wg-quick(8)): endpoints of [Peer] sections whose host is a
 * name, by the peer's public key in base64 as written. What is not understood is passed over: the file is
 * `wg`'s to judge.
 */
export function parseEndpointNames(text: string): Map<string, NamedEndpoint> {
  const names = new Map<string, NamedEndpoint>();
  let publicKey: string | undefined;
  let endpoint: NamedEndpoint | undefined;
  const endSection = (): void => {
    if (publicKey !== undefined && endpoint) names.set(publicKey, endpoint);
    publicKey = undefined;
    endpoint = undefined;
  };
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    if (line.startsWith('[')) {
      endSection();
      continue;
    }
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    const key = line.slice(0, equals).trim().toLowerCase();
    const value = line.slice(equals + 1).trim();
    if (key === 'publickey') publicKey = value;
    else if (key === 'endpoint') endpoint = parseNamed(value);
  }
  endSection();
  return names;
}

/** Undefined when the host is an address: there is nothing to resolve again. */
function parseNamed(text: string): NamedEndpoint | undefined {
  const match = /^([^[\]:\s]+):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const host = match[1]!;
  const port = Number(match[2]);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host) || port === 0 || port > 65_535) return undefined;
  return { host, port };
}
