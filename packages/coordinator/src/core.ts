/** The coordinator without its sockets: state, accounts, maps, operations and the node channels' end. */
import { formatJoinLink, formatNetworkId } from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import { type Accounts, type AccountsOptions, createAccounts, userPaths, userRecord } from './accounts/index.ts';
import { newId } from './accounts/secret.ts';
import { type Approvals, createApprovals } from './approvals/index.ts';
import { type Audit, createAudit } from './audit.ts';
import { startAuditSweep } from './audit-sweep.ts';
import { type ControlServer, createControlServer } from './control/control-server.ts';
import { createDoorkeeper } from './door.ts';
import { CoordinatorError } from './errors.ts';
import type { Logger } from './log.ts';
import { createExpiredOut } from './maps/expired.ts';
import { createLoad } from './maps/load.ts';
import { createMapSource, type MapSource } from './maps/map-source.ts';
import { createPresenceTable } from './maps/presence.ts';
import { OPEN_RIGHTS } from './maps/rights.ts';
import { type Network, type NetworkOptions, openNetwork } from './network/network.ts';
import { type Adoptions, createAdoptions } from './nodes/adoptions.ts';
import { createTakeOut } from './nodes/departures.ts';
import { startEphemeralSweep } from './nodes/ephemeral.ts';
import { startExpirySweep } from './nodes/expiry-sweep.ts';
import { expiryOf, keyStateOf } from './nodes/key-life.ts';
import type { NodeRecord } from './nodes/node-record.ts';
import { createRegistry, type Registry } from './nodes/registry.ts';
import { createRenewal } from './nodes/renewal.ts';
import { createRevoke } from './nodes/revoke.ts';
import { createRotateKey } from './nodes/rotate.ts';
import { createOperations, type Operations } from './operations/table.ts';
import { createPolicyKeeper } from './policy/policy-keeper.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { readRecord, type Store } from './store/index.ts';
import { createTokens, type NewToken, type Tokens } from './tokens/index.ts';

export interface Core {
  readonly network: Network;
  readonly accounts: Accounts;
  readonly approvals: Approvals;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly operations: Operations;
  readonly control: ControlServer;
  readonly registry: Registry;
  readonly maps: MapSource;
  readonly refusals: Refusals;
  readonly adoptions: Adoptions;
  /** How many machines became nodes since the start. */
  joins(): number;
  /** A join link, on root's word. */
  createJoinLink(token: NewToken): Promise<string>;
  /** Ends what runs; the store stays open. */
  close(): void;
}

export interface CoreOptions extends NetworkOptions, Pick<AccountsOptions, 'scryptCost'> {
  readonly openRegistration: boolean;
  /** For people: `pcloud 0.1.0`. */
  readonly program: string;
}

export interface CoreDeps {
  readonly store: Store;
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
  readonly log: Logger;
  /** A page of the console, for links that are handed to people. */
  readonly pageUrl: (path: string) => string;
  /** Monotonic and wall milliseconds. */
  readonly now: () => number;
  readonly wallMs: () => number;
  /** @returns what cancels it */
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

/** @throws CoordinatorError, StoreError when the state cannot be read */
export async function createCore(options: CoreOptions, deps: CoreDeps): Promise<Core> {
  const { store, random, log, setTimer, pageUrl } = deps;
  const network = await openNetwork(options, deps);
  const registry = await createRegistry({ store, log, sleep: (ms, signal) => sleep(ms, signal, setTimer) });
  const policy = createPolicyKeeper(registry, log);
  const withoutExpired = createExpiredOut(registry.nodes);
  const maps = createMapSource(registry, {
    epoch: network.epoch,
    network: network.face,
    // Until somebody sets a policy the network is one household's.
    rights: () => withoutExpired(registry.policy === undefined ? OPEN_RIGHTS : policy.current),
  });
  const load = createLoad(deps.now);
  const presence = createPresenceTable(maps, setTimer, load);
  const refusals = createRefusals(deps);
  const forgetting = registry.subscribe(({ nodeIds }) => {
    for (const id of nodeIds) if (!registry.nodes.has(id)) presence.forget(id);
  });
  const state = { store, now: deps.wallMs, random };
  const audit = createAudit(state);
  const accounts = createAccounts(options, { ...state, audit });
  const tokens = createTokens({ ...state, audit });
  const renewal = createRenewal({ ...state, audit, settings: () => registry.settings });
  const approvals = createApprovals({ ...state, audit, setTimer, renewal });

  const joinLink = (token: string): string =>
    formatJoinLink({ urls: network.urls, networkId: network.id, channelKey: network.channelPublic, token });

  const adoptions = createAdoptions({ store, audit });
  const takeOut = createTakeOut({ ...state, audit, accounts, tokens });

  /** Of a device whose key has expired, or will soon: somebody else types the code. */
  async function askRenewal({ id, machineKey }: NodeRecord, source: string): Promise<unknown> {
    const node = registry.nodes.get(id);
    if (node === undefined || expiryOf(node, registry.settings) === undefined) {
      throw new CoordinatorError('INPUT_INVALID', 'the key of this device never expires');
    }
    const { nodeKey, name } = node;
    const asked = await approvals.request({ machineKey, nodeKey, name, source, renews: id });
    return { ...asked, url: pageUrl('/approve') };
  }

  /** A device may leave by itself, and ask for renewal; for the rest it speaks in the name of the user who owns it. */
  async function request(node: NodeRecord, operation: string, input: unknown, source: string): Promise<unknown> {
    if (operation === 'nodes.leave') {
      await takeOut('nobody', node, 'nodes.leave', { source });
      return { removed: node.name };
    }
    if (operation === 'nodes.ask-renewal') return askRenewal(node, source);
    // Who it belongs to may have changed since it connected; one that was taken out belongs to nobody.
    const { userId = '' } = registry.nodes.get(node.id) ?? {};
    const entry = userId === '' ? undefined : await store.get(userPaths.user(userId));
    if (entry === undefined) {
      throw new CoordinatorError('FORBIDDEN', `device "${node.name}" belongs to no user, and can ask for nothing`);
    }
    const { id, role } = readRecord(userRecord, entry);
    return operations.run({ kind: 'user', userId: id, role, via: 'node', nodeId: node.id, source }, operation, input);
  }

  const operations = createOperations({
    store,
    accounts,
    users: accounts.users,
    tokens,
    approvals,
    registry,
    policy,
    maps,
    presence,
    audit,
    network: network.face,
    prefix: network.prefix4,
    now: deps.wallMs,
    pageUrl,
    joinLink,
    takeOut,
    renewal,
    revoke: createRevoke({ registry, takeOut, control: () => control }),
    counters: () => ({ connections: control.counters, refused: refusals.counters() }),
    adoptions,
    disconnectUser(userId) {
      for (const node of registry.nodes.values()) {
        if (node.userId === userId) control.disconnect(node.id, 'USER_DISABLED', 'the account was disabled or removed');
      }
    },
  });
  let joins = 0;
  const control = createControlServer({
    ...deps,
    network,
    door: createDoorkeeper({
      store,
      registry,
      tokens,
      approvals,
      prefix: network.prefix4,
      approvalUrl: () => pageUrl('/approve'),
      now: deps.wallMs,
      newId: () => newId(random),
      joined() {
        joins += 1;
      },
    }),
    maps,
    presence,
    load,
    revocations: registry.revocations,
    keyStateOf(nodeId) {
      const node = registry.nodes.get(nodeId);
      return node && keyStateOf(node, registry.settings);
    },
    refusals,
    request,
    rotate: createRotateKey({ ...state, audit }),
    program: options.program,
  });
  const telling = registry.subscribeRevocations(control.tellRevocations);
  let settings = registry.settings;
  const tellingKeys = registry.subscribe(({ nodeIds }) => {
    control.tellKeys(registry.settings === settings ? nodeIds : [...control.connected.keys()]);
    settings = registry.settings;
  });
  const expiry = startExpirySweep({ ...deps, registry, audit });
  const sweep = startEphemeralSweep({
    ...deps,
    registry,
    isConnected: (nodeId) => control.connected.has(nodeId),
    remove: (node) => takeOut('nobody', node, 'nodes.end-ephemeral'),
  });
  const auditSweep = startAuditSweep({ audit, log, setTimer });
  log.info({ network: formatNetworkId(network.id), nodes: registry.nodes.size }, 'the network is open');

  return {
    network,
    accounts,
    approvals,
    tokens,
    audit,
    operations,
    control,
    registry,
    maps,
    refusals,
    adoptions,
    joins: () => joins,
    createJoinLink: async (token) => joinLink((await tokens.create({ kind: 'root' }, token)).secret),
    close() {
      sweep.stop();
      auditSweep.stop();
      forgetting();
      telling();
      tellingKeys();
      expiry.stop();
      control.close();
      presence.close();
      maps.close();
      registry.close();
      network.channelPrivate.fill(0);
    },
  };
}

function sleep(ms: number, signal: AbortSignal, setTimer: CoreDeps['setTimer']): Promise<void> {
  return new Promise((resolve) => {
    const cancel = setTimer(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        cancel();
        resolve();
      },
      { once: true },
    );
  });
}
