import { createHands } from './create-hands.ts';
import type { HandsOptions } from './hands.ts';
import { checkInterfaceName } from './interface-name.ts';
import type { Logger } from './log.ts';
import { createNamesFile, resolveHost } from './names-file.ts';
import { createStampStore } from './stamp-store.ts';
import { serveStatus } from './status-socket.ts';
import { createTunnel, type Tunnel } from './tunnel.ts';
import { serveUapi } from './uapi-socket.ts';
import type { UnixServer } from './unix-server.ts';

/** How a WireGuard interface is to be run. */
export interface WireGuardOptions extends HandsOptions {
  /** A wg(8) configuration, for the host names of its endpoints. */
  readonly configPath: string;
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** Where `wg` looks for sockets. */
  readonly socketDir: string;
  readonly uapiDescriptor: number | undefined;
}

export interface WireGuardDeps {
  readonly log: Logger;
  readonly version: string;
}

/** A WireGuard interface that runs in this process. */
export interface RunningWireGuard {
  /** Resolves when it has ended: with an error unless that was asked for, or its interface or socket was deleted. */
  readonly closed: Promise<Error | undefined>;
  close(): void;
}

/**
 * Starts a WireGuard interface: when this resolves, `wg` can configure it.
 * @throws DaemonError with one line that says what to do
 */
export async function startWireGuard(options: WireGuardOptions, deps: WireGuardDeps): Promise<RunningWireGuard> {
  const { log } = deps;
  checkInterfaceName(options.name);
  const hands = createHands(options, log);
  const name = hands.tun.name;
  let finish!: (error: Error | undefined) => void;
  const closed = new Promise<Error | undefined>((resolve) => {
    finish = resolve;
  });
  const servers: UnixServer[] = [];
  let stopLink = (): void => {};
  let isClosed = false;
  let tunnel: Tunnel | undefined;

  function close(error?: Error): void {
    if (isClosed) return;
    isClosed = true;
    stopLink();
    for (const server of servers) server.close();
    if (tunnel) {
      tunnel.close();
    } else {
      hands.tun.close();
      hands.close();
    }
    log.debug({}, 'stopped');
    finish(error);
  }

  function closeBecause(why: string): void {
    if (!isClosed) log.info({ why }, 'stopping');
    close();
  }

  try {
    tunnel = createTunnel({
      hands,
      stamps: createStampStore(options.stateDir, { hash: (key) => hands.crypto.hash(key), log }),
      readNames: createNamesFile(options.configPath),
      resolve: resolveHost,
      log,
      version: deps.version,
      handleGone: closeBecause,
    });
    const uapiServer = await serveUapi(
      { directory: options.socketDir, name, descriptor: options.uapiDescriptor },
      tunnel.uapi,
    );
    servers.push(uapiServer);
    uapiServer.watchDeletion(() => closeBecause('the configuration socket was deleted'));
    const statusServer = await tryServeStatus(options.runtimeDir, tunnel, log);
    if (statusServer) servers.push(statusServer);
    stopLink = hands.watchLink(name, tunnel.link);
  } catch (error) {
    close();
    throw error;
  }
  return { closed, close: () => close() };
}

/** Status is for people: the tunnel runs without it. */
async function tryServeStatus(runtimeDir: string, tunnel: Tunnel, log: Logger): Promise<UnixServer | undefined> {
  const { interface: name } = tunnel.describe();
  try {
    return await serveStatus(runtimeDir, name, () => tunnel.describe());
  } catch (error) {
    log.error({ error: (error as Error).message }, 'no status: its socket cannot be made');
    return undefined;
  }
}
