import { type RunningCoordinator, startCoordinator } from '@pcloud/coordinator';
import { parsePrefix } from '@pcloud/ip';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A coordinator on loopback, at any port. */
export function startLoopback(stateDir: string, runtimeDir: string): Promise<RunningCoordinator> {
  return startCoordinator(
    {
      stateDir,
      runtimeDir,
      listen: [{ address: '127.0.0.1', port: 0 }],
      publicUrls: ['https://192.0.2.1:8443'],
      prefix4: parsePrefix('10.0.0.0/16')!,
      tls: { kind: 'self-signed' },
      trustedProxies: [],
      openRegistration: false,
      program: 'test',
    },
    { log: silent },
  );
}
