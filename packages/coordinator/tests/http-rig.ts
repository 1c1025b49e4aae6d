/** The HTTP app and its service on accounts in memory, as the tests use them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePrefix } from '@pcloud/ip';
import { hasOwner } from '../src/accounts/index.ts';
import type { ControlServer } from '../src/control/control-server.ts';
import { createHttpApp, type HttpApp } from '../src/http/app.ts';
import type { Connection } from '../src/http/connection.ts';
import type { HttpAppDeps } from '../src/http/env.ts';
import { type HttpOptions, type HttpService, startHttp } from '../src/http/index.ts';
import type { LogFields } from '../src/log.ts';
import { createLoad } from '../src/maps/load.ts';
import { createMapSource } from '../src/maps/map-source.ts';
import { createPresenceTable } from '../src/maps/presence.ts';
import { createAdoptions } from '../src/nodes/adoptions.ts';
import { createTakeOut } from '../src/nodes/departures.ts';
import { createRegistry } from '../src/nodes/registry.ts';
import { createRevoke } from '../src/nodes/revoke.ts';
import { createOperations } from '../src/operations/table.ts';
import { createPolicyKeeper } from '../src/policy/policy-keeper.ts';
import { createRefusals } from '../src/refusals.ts';
import { type AccountsRig, createAccountsRig, createSeededRandom, WALL_MS } from '../src/testing/accounts-rig.ts';
import { createFakeTimers, type FakeTimers } from '../src/testing/fake-timers.ts';

export interface HttpRig {
  readonly rig: AccountsRig;
  readonly app: HttpApp;
  readonly deps: HttpAppDeps;
  /** What the log was told. */
  readonly lines: { readonly event: string; readonly fields: LogFields }[];
}

export const HOST = '127.0.0.1:8443';
export const ORIGIN: string = `https://${HOST}`;
export const NETWORK: HttpAppDeps['network'] = {
  id: new Uint8Array(32).fill(1),
  channelPublic: new Uint8Array(32).fill(2),
  serverSet: new Uint8Array(40).fill(3),
};
const FACE = { id: 'n', prefixes: ['10.0.0.0/16'], domain: 'pcloud', relays: [] };

export const INSIDE: Connection = {
  listener: 'network',
  isEncrypted: true,
  isForwarded: false,
  localAddress: '127.0.0.1',
  remoteAddress: '127.0.0.1',
  source: '127.0.0.1',
};
export const PLAIN: Connection = { ...INSIDE, isEncrypted: false };
export const OUTSIDE: Connection = {
  ...INSIDE,
  localAddress: '192.0.2.1',
  remoteAddress: '198.51.100.7',
  source: '198.51.100.7',
};
export const UNIX: Connection = { ...INSIDE, listener: 'unix', isEncrypted: false };

export async function createHttpRig(overrides: Partial<HttpAppDeps> = {}): Promise<HttpRig> {
  const rig = createAccountsRig({ openRegistration: overrides.openRegistration ?? false });
  const lines: HttpRig['lines'] = [];
  const put = (fields: LogFields, event: string): void => void lines.push({ event, fields });
  const log = { debug: put, info: put, warn: put, error: put };
  const registry = await createRegistry({ store: rig.store, log, sleep: async () => {} });
  const refusals = createRefusals({ log, now: () => WALL_MS });
  const adoptions = createAdoptions(rig);
  const maps = createMapSource(registry, { epoch: 1, network: FACE });
  const takeOut = createTakeOut({ ...rig, accounts: rig, now: () => WALL_MS });
  const operations = createOperations({
    ...rig,
    accounts: rig,
    registry,
    policy: createPolicyKeeper(registry, log),
    maps,
    presence: createPresenceTable(
      maps,
      createFakeTimers().setTimer,
      createLoad(() => 0),
    ),
    network: FACE,
    prefix: parsePrefix('10.0.0.0/16')!,
    now: () => WALL_MS,
    pageUrl: (path) => `${ORIGIN}${path}`,
    joinLink: (token) => `${ORIGIN}/join#${token}`,
    takeOut,
    revoke: createRevoke({
      registry,
      takeOut,
      control: () => ({ connected: new Map(), untilRevoked: async () => [] }),
    }),
    adoptions,
    disconnectUser: () => {},
    counters: () => ({ refused: refusals.counters() }),
  });
  const deps: HttpAppDeps = {
    accounts: rig,
    approvals: rig.approvals,
    operations,
    openRegistration: false,
    isTrusted: ({ localAddress }) => localAddress === INSIDE.localAddress,
    hasTrustedCertificate: () => false,
    hosts: () => ['cloud.example'],
    network: NETWORK,
    nodeAt: () => undefined,
    pageUrl: (path) => `http://10.0.0.1:8444${path}`,
    isInside: ({ localAddress }) => localAddress === INSIDE.localAddress,
    async nodes() {
      await registry.reach(rig.store.revision);
      return registry.nodes;
    },
    adoptions,
    isRootHere: () => false,
    hasOwner: () => hasOwner(rig.store),
    log,
    refusals,
    now: () => WALL_MS,
    random: createSeededRandom(7),
    ...overrides,
  };
  return { rig, app: createHttpApp(deps), deps, lines };
}

export interface Service {
  readonly service: HttpService;
  readonly stateDir: string;
  readonly runtimeDir: string;
  close(): Promise<void>;
}

/** Real sockets, on loopback. */
export async function startService(
  { deps }: HttpRig,
  control: ControlServer,
  options: Partial<HttpOptions> = {},
  { setTimer }: Pick<FakeTimers, 'setTimer'> = createFakeTimers(),
): Promise<Service> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-http-'));
  const stateDir = join(directory, 'state');
  const runtimeDir = join(directory, 'run');
  const service = await startHttp(
    {
      stateDir,
      runtimeDir,
      listen: [{ address: '127.0.0.1', port: 0 }],
      consolePort: 0,
      publicUrls: ['https://cloud.example:8443'],
      trustedProxies: [],
      prefixes: [parsePrefix('10.0.0.0/16')!],
      tls: { kind: 'self-signed' },
      openRegistration: false,
      ...options,
    },
    { ...deps, control, setTimer },
  ).catch((error: unknown) => {
    rmSync(directory, { recursive: true });
    throw error;
  });
  return {
    service,
    stateDir,
    runtimeDir,
    async close() {
      await service.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A control server that only notes who came, and says what came back. */
export function createEchoControl(): ControlServer & {
  readonly sources: string[];
  readonly frames: number[];
  readonly faults: string[];
} {
  const sources: string[] = [];
  const frames: number[] = [];
  const faults: string[] = [];
  return {
    sources,
    frames,
    faults,
    accept(socket, source) {
      sources.push(source);
      return {
        handleFrame(frame) {
          frames.push(frame.length);
          socket.send(frame);
        },
        handleFault(code) {
          faults.push(code);
        },
        handleClose() {
          frames.push(-1);
        },
      };
    },
    disconnect() {},
    connected: new Map(),
    tellRevocations() {},
    tellKeys() {},
    untilRevoked: async () => [],
    counters: {} as ControlServer['counters'],
    sent: {},
    close() {},
  };
}
