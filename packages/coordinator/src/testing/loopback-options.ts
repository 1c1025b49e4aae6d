import { join } from 'node:path';
import { parsePrefix } from '@pcloud/ip';
import type { CoordinatorOptions } from '../coordinator.ts';

/** A coordinator on loopback, at any port, whose state is in `state` and whose socket is in `run` of a directory. */
export function loopbackOptions(directory: string): CoordinatorOptions {
  return {
    stateDir: join(directory, 'state'),
    runtimeDir: join(directory, 'run'),
    listen: [{ address: '127.0.0.1', port: 0 }],
    publicUrls: ['https://192.0.2.1:8443'],
    prefix4: parsePrefix('10.0.0.0/16')!,
    tls: { kind: 'self-signed' },
    trustedProxies: [],
    openRegistration: false,
    program: 'test',
  };
}
