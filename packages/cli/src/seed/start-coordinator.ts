/** The coordinator of the settings, in this process. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningCoordinator } from '@pcloud/coordinator';
import type { Logger } from '@pcloud/daemon';
import { formatPrefix } from '@pcloud/ip';
import { CliError } from '../exit.ts';
import type { ListenAddress } from '../settings/parse.ts';
import type { Settings } from '../settings/read.ts';
import { VERSION } from '../version.ts';
import { chooseNetwork } from './choose-network.ts';
import { hasIpv6, ownUrls, rangesInUse } from './machine.ts';
import { coordinatorStateDir } from './root.ts';
import { tlsOf } from './tls-options.ts';

export const COORDINATOR_PORT = 8443;
/** Networks that pass nothing else pass this one. */
const HTTPS_PORT = 443;

export interface StartedCoordinator {
  readonly coordinator: RunningCoordinator;
  /** Where it takes connections in any case. */
  readonly listen: readonly ListenAddress[];
  /** What to say about the range of a network that was made just now. */
  readonly remark: string | undefined;
}

/** @throws CliError, CoordinatorError, StoreError */
export async function startCoordinatorHere(settings: Settings, log: Logger): Promise<StartedCoordinator> {
  const everywhere = hasIpv6() ? '::' : '0.0.0.0';
  const listen = settings.listen ?? [{ address: everywhere, port: COORDINATOR_PORT }];
  const tls = tlsOf(settings);
  const stateDir = coordinatorStateDir(settings);
  const isNew = !existsSync(join(stateDir, 'channel.key'));
  const choice = isNew ? await chooseNetwork(settings.network, rangesInUse(settings.tun)) : undefined;
  // Who says how others reach this server says all of it.
  const optionalUrls = settings.publicUrls ? [] : ownUrls(HTTPS_PORT, settings.tun);
  const [{ startCoordinator }, { selectCrypto }] = await Promise.all([
    import('@pcloud/coordinator'),
    import('@pcloud/daemon'),
  ]);
  const coordinator = await startCoordinator(
    {
      stateDir,
      runtimeDir: settings.runtimeDir,
      listen: settings.listen ? listen : [...listen, { address: everywhere, port: HTTPS_PORT, optionalUrls }],
      publicUrls: settings.publicUrls ?? ownUrls(listen[0]!.port, settings.tun),
      // A network that is there already has its own.
      prefix4: choice?.prefix ?? settings.network ?? { address: new Uint8Array([10, 0, 0, 0]), length: 16 },
      tls,
      trustedProxies: settings.trustedProxies ?? [],
      openRegistration: settings.openRegistration ?? false,
      program: `pcloud ${VERSION}`,
    },
    { log, crypto: selectCrypto().crypto },
  ).catch((error: Error & { code?: string }) => {
    if (error.code === 'LISTEN_FAILED') {
      throw new CliError('failed', `${error.message}; choose another place with --listen`, { cause: error });
    }
    if (error.code !== 'LOCKED') throw error;
    const step = 'stop it first ("systemctl stop pcloud-seed", or Ctrl-C where it runs), or choose another --state-dir';
    throw new CliError('failed', `a coordinator has "${stateDir}" open already; ${step}`, { cause: error });
  });
  const { prefix4 } = coordinator;
  if (settings.network !== undefined && formatPrefix(settings.network) !== formatPrefix(prefix4)) {
    await coordinator.close();
    throw new CliError(
      'usage',
      `--network ${formatPrefix(settings.network)}: the network in "${stateDir}" is ${formatPrefix(prefix4)} already; leave it out, or choose another --state-dir`,
    );
  }
  return { coordinator, listen, remark: choice?.remark };
}
