/** The coordinator's HTTP: pages and API for people, /control for nodes, a Unix socket for root. */
import { join } from 'node:path';
import { type Prefix, parsePrefix } from '@pcloud/ip';
import type { ControlServer } from '../control/control-server.ts';
import { CoordinatorError } from '../errors.ts';
import { createHttpApp } from './app.ts';
import { isInside } from './connection.ts';
import type { HttpAppDeps } from './env.ts';
import { type Listener, openListener } from './listener.ts';
import type { TakenPlace } from './ports.ts';
import { openCertificates } from './tls/open-certificates.ts';
import type { TlsOptions } from './tls/options.ts';
import { COORDINATOR_SOCKET, openUnixSocket } from './unix-socket.ts';

export { askCoordinator } from './admin-client.ts';
export { createHttpApp, type HttpApp } from './app.ts';
export type { Connection } from './connection.ts';
export { type ListenPlace, takePlaces } from './ports.ts';
export type { TlsOptions } from './tls/options.ts';
export { COORDINATOR_SOCKET } from './unix-socket.ts';

export interface HttpOptions {
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** By TLS, for everybody. */
  readonly listen: readonly TakenPlace[];
  /** Without TLS, on loopback and, once it is up, on the tunnel. Another that is free where something has it. */
  readonly consolePort: number;
  readonly publicUrls: readonly string[];
  /** Addresses or prefixes of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** The network's. */
  readonly prefixes: readonly Prefix[];
  readonly tls: TlsOptions;
  readonly openRegistration: boolean;
}

export interface HttpDeps
  extends Pick<
    HttpAppDeps,
    | 'accounts'
    | 'approvals'
    | 'operations'
    | 'network'
    | 'nodeAt'
    | 'pageUrl'
    | 'nodes'
    | 'adoptions'
    | 'isRootHere'
    | 'hasOwner'
    | 'log'
    | 'refusals'
    | 'now'
    | 'random'
  > {
  readonly control: ControlServer;
  /** Names of this server in the network, beside those of its URLs. */
  readonly hosts: () => Iterable<string>;
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

export interface HttpService {
  /** As bound, in the order of `listen`. */
  readonly ports: readonly number[];
  readonly consolePort: number;
  /** The one that is served now. */
  readonly certificate: { readonly chain: string; readonly isTrusted: boolean };
  /** Whether pages may be reached by the public URLs, now. */
  readonly isPublic: boolean;
  /** Opens the console on this machine's addresses of the network; those it has already stay. @throws CoordinatorError LISTEN_FAILED */
  listenOnMesh(addresses: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** @throws CoordinatorError LISTEN_FAILED, ALREADY_RUNNING, CERTIFICATE_INVALID, INPUT_INVALID */
export async function startHttp(options: HttpOptions, deps: HttpDeps): Promise<HttpService> {
  const trustedProxies = options.trustedProxies.map(readProxy);
  const mesh = { prefixes: options.prefixes, own: new Set<string>() };
  const urlHosts = options.publicUrls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ''));
  const certificates = await openCertificates({ ...options, hosts: urlHosts }, deps);
  const app = createHttpApp({
    ...deps,
    openRegistration: options.openRegistration,
    isTrusted: (connection) => (connection.isEncrypted && certificates.isTrusted) || isInside(connection, mesh),
    isInside: (connection) => isInside(connection, mesh),
    hasTrustedCertificate: () => certificates.isTrusted,
    hosts: function* () {
      yield* urlHosts;
      yield* deps.hosts();
    },
  });
  const listeners: Listener[] = [];
  const endings: (() => Promise<void>)[] = [async () => certificates.close()];

  async function open(place: TakenPlace, isEncrypted: boolean): Promise<Listener> {
    const tls = isEncrypted ? { certificate: certificates.current } : {};
    const listener = await openListener({ ...place, trustedProxies, ...tls }, { ...deps, app });
    listeners.push(listener);
    endings.push(listener.close);
    return listener;
  }

  function openConsole(port: number): Promise<Listener> {
    return open({ address: '127.0.0.1', port }, false).catch((error: CoordinatorError) => {
      if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== 'EADDRINUSE') throw error;
      return open({ address: '127.0.0.1', port: 0 }, false);
    });
  }

  async function close(): Promise<void> {
    await Promise.all(endings.splice(0).map((end) => end()));
  }

  certificates.watch((certificate) => {
    for (const listener of listeners) listener.setCertificate(certificate);
    deps.log.info({}, 'the certificate was replaced');
  });
  try {
    endings.push(await openUnixSocket(join(options.runtimeDir, COORDINATOR_SOCKET), app));
    const ports: number[] = [];
    for (const place of options.listen) ports.push((await open(place, true)).port);
    const { port: consolePort } = await openConsole(options.consolePort);
    return {
      ports,
      consolePort,
      get certificate() {
        return { chain: certificates.current.chain, isTrusted: certificates.isTrusted };
      },
      get isPublic() {
        return certificates.isTrusted;
      },
      async listenOnMesh(addresses) {
        for (const address of addresses.filter((each) => !mesh.own.has(each))) {
          await open({ address, port: consolePort }, false);
          mesh.own.add(address);
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function readProxy(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix) return prefix;
  throw new CoordinatorError('INPUT_INVALID', `trusted proxy: expected an address or a prefix, got "${text}"`);
}
