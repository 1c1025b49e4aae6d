/** The coordinator as a process has it: its store, its core and its sockets, opened in order and closed together. */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Prefix, parsePrefix } from '@pcloud/ip';
import { formatNetworkId, JOIN_LINK } from '@pcloud/netmap';
import { type Crypto, createNobleCrypto } from '@pcloud/wireguard';
import { hasOwner } from './accounts/index.ts';
import { backUpBeside } from './backup/here.ts';
import { type Core, createCore } from './core.ts';
import { AUDIT_PREFIX, type CoordinatorFigures, type CoordinatorHealth, figuresOf, healthOf } from './figures.ts';
import { type HttpService, type ListenPlace, startHttp, type TlsOptions, takePlaces } from './http/index.ts';
import type { Logger } from './log.ts';
import { isRootHere, startReminder } from './recovery/index.ts';
import { openSchema } from './schema/index.ts';
import { measureStore, openLevelStore } from './store/index.ts';
import type { NewToken } from './tokens/index.ts';

export interface CoordinatorOptions {
  /** Keys, store and certificates, 0700. */
  readonly stateDir: string;
  /** Where `coordinator.sock` is. */
  readonly runtimeDir: string;
  /** Where nodes reach it, by TLS; the first is not optional. */
  readonly listen: readonly ListenPlace[];
  /** Where nodes are told to reach it, best first; those of optional places that were had come behind. */
  readonly publicUrls: readonly string[];
  /** Of a network that is made now. */
  readonly prefix4: Prefix;
  readonly tls: TlsOptions;
  /** Addresses or prefixes of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly openRegistration: boolean;
  /** For people: `pcloud 0.1.0`. */
  readonly program: string;
}

export interface RunningCoordinator {
  /** As text. */
  readonly networkId: string;
  readonly urls: readonly string[];
  readonly prefix4: Prefix;
  /** The page on which the first owner makes an account, once; it voids the one before. Undefined once there is one. */
  adminUrl(): Promise<string | undefined>;
  /** Whether the recovery kit is still to be taken, and to be confirmed. */
  isRootHere(): boolean;
  /** @throws CoordinatorError INPUT_INVALID, USER_UNKNOWN, USER_DISABLED */
  createJoinLink(token: NewToken): Promise<string>;
  /** For who watches it: numbers, and nobody's name. */
  figures(): CoordinatorFigures;
  health(): Promise<CoordinatorHealth>;
  /** Serves the console on this machine's addresses of the network, too. @throws CoordinatorError LISTEN_FAILED */
  listenOnMesh(addresses: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface CoordinatorDeps {
  readonly log: Logger;
  /** The fastest that there is: every connection costs a handshake. Default: noble, which runs everywhere. */
  readonly crypto?: Crypto;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * @throws StoreError LOCKED when another process has the state; CoordinatorError LISTEN_FAILED, ALREADY_RUNNING,
 * CERTIFICATE_INVALID, KEY_FILE_INVALID, STATE_MISMATCH, STATE_NEWER, INPUT_INVALID
 */
export async function startCoordinator(
  options: CoordinatorOptions,
  { log, crypto = createNobleCrypto() }: CoordinatorDeps,
): Promise<RunningCoordinator> {
  const endings: (() => void | Promise<void>)[] = [];
  async function close(): Promise<void> {
    for (const end of endings.splice(0).reverse()) await end();
  }

  let service: HttpService | undefined;
  const onMesh: string[] = [];
  /** Under a certificate that browsers trust pages are for everybody, and else inside the network alone. */
  function pageUrl(path: string): string {
    if (service?.isPublic) return `${options.publicUrls[0]}${path}`;
    const host = onMesh[0] ?? '127.0.0.1';
    return `http://${host.includes(':') ? `[${host}]` : host}:${service?.consolePort}${path}`;
  }

  try {
    const store = measureStore(await openLevelStore(join(options.stateDir, 'store')), SYSTEM.now, [AUDIT_PREFIX]);
    endings.push(() => store.close());
    await openSchema(store, {
      log,
      fileExists: existsSync,
      backUp: (version) => backUpBeside(store, options.stateDir, options.program, `before-version-${version + 1}`),
    });
    const { places: listen, release } = await takePlaces(options.listen, log);
    endings.push(release);
    const publicUrls = addUrls(
      options.publicUrls,
      listen.flatMap(({ optionalUrls }) => optionalUrls ?? []),
    );
    const core = await createCore({ ...options, urls: publicUrls }, { ...SYSTEM, store, crypto, log, pageUrl });
    endings.push(() => core.close());
    service = await startHttp(
      {
        ...options,
        listen,
        publicUrls,
        consolePort: options.listen[0]!.port === 0 ? 0 : options.listen[0]!.port + 1,
        prefixes: core.network.face.prefixes.map((text) => parsePrefix(text)!),
      },
      {
        ...core,
        ...SYSTEM,
        now: Date.now,
        log,
        pageUrl,
        nodeAt: core.maps.nodeAt,
        isRootHere: () => isRootHere(options.stateDir),
        async nodes() {
          await core.registry.reach(store.revision);
          return core.registry.nodes;
        },
        hasOwner: () => hasOwner(store),
        hosts: () => namesOf(core, onMesh),
      },
    );
    endings.push(service.close, startReminder(options.stateDir, { ...SYSTEM, log }));
    const http = service;
    const { listenOnMesh } = http;
    return {
      networkId: formatNetworkId(core.network.id),
      urls: core.network.urls,
      prefix4: core.network.prefix4,
      adminUrl: async () =>
        (await hasOwner(store)) ? undefined : pageUrl(`/setup/${await core.accounts.ownerLink.issue()}`),
      isRootHere: () => isRootHere(options.stateDir),
      createJoinLink: core.createJoinLink,
      figures: () => figuresOf(core, store),
      health: () => healthOf(store, http),
      async listenOnMesh(addresses) {
        await listenOnMesh(addresses);
        onMesh.push(...addresses.filter((address) => !onMesh.includes(address)));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const SYSTEM = {
  random: (out: Uint8Array): void => void randomFillSync(out),
  now: () => performance.now(),
  wallMs: Date.now,
  setTimer(callback: () => void, ms: number): () => void {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** The further ones behind, and room made for the best of them. */
function addUrls(urls: readonly string[], further: readonly string[]): readonly string[] {
  if (further.length === 0) return urls;
  const best = further.slice(0, JOIN_LINK.URLS / 2);
  return [...urls.slice(0, JOIN_LINK.URLS - best.length), ...best];
}

/** By which devices know this server in the network. */
function namesOf({ maps, registry, network }: Core, addresses: readonly string[]): string[] {
  const ids = new Set(addresses.map(maps.nodeAt));
  return [...ids]
    .map((id) => registry.nodes.get(id ?? '')?.name)
    .filter((name) => name !== undefined)
    .flatMap((name) => [name, `${name}.${network.face.domain}`]);
}
