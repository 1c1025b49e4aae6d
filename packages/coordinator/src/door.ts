/** Who is let in: members as they are, machines with a token, and those that somebody approves. */
import type { Prefix } from '@pcloud/ip';
import { LIMITS, type RefusalCode } from '@pcloud/netmap';
import { userPaths, userRecord } from './accounts/index.ts';
import type { Approvals } from './approvals/index.ts';
import type { DoorAnswer, Doorkeeper, DoorRequest } from './control/control-server.ts';
import { createTurns } from './in-turn.ts';
import type { Admission } from './nodes/admission.ts';
import { type JoinOutcome, joinNode } from './nodes/join.ts';
import type { NodeRecord } from './nodes/node-record.ts';
import type { Registry } from './nodes/registry.ts';
import { readRecord, type Store } from './store/index.ts';
import type { Tokens } from './tokens/index.ts';

export interface DoorDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly approvals: Approvals;
  /** The network's IPv4 prefix. */
  readonly prefix: Prefix;
  /** Where a code is typed. */
  readonly approvalUrl: () => string;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
  /** A machine became a node. */
  readonly joined: () => void;
}

export function createDoorkeeper(deps: DoorDeps): Doorkeeper {
  const { store, registry, tokens, approvals } = deps;

  /** Side by side, all would choose the same address, and only one would get it. */
  const inTurn = createTurns();

  async function join(
    request: DoorRequest,
    admit: () => Promise<Admission | { readonly refusal: DoorRefusal | 'STRANGER' }>,
  ): Promise<JoinOutcome<DoorRefusal | 'STRANGER'>> {
    const outcome = await joinNode(request, admit, deps);
    if ('node' in outcome) await registry.reach(outcome.revision);
    return outcome;
  }

  async function enter(
    request: DoorRequest,
    admit: () => Promise<Admission | { readonly refusal: DoorRefusal | 'STRANGER' }>,
  ): Promise<DoorAnswer> {
    const outcome = await inTurn(() => join(request, admit));
    if ('refusal' in outcome) {
      return outcome.refusal === 'STRANGER' ? { kind: 'stranger' } : refused(outcome.refusal);
    }
    if (outcome.isNew) deps.joined();
    // Last of all: an account that is disabled from here on finds the device connected, and disconnects it.
    if (await isDisabled(outcome.node)) return refused('USER_DISABLED');
    return { kind: 'member', ...outcome };
  }

  async function isDisabled({ userId }: NodeRecord): Promise<boolean> {
    if (userId === '') return false;
    const entry = await store.get(userPaths.user(userId));
    return entry !== undefined && readRecord(userRecord, entry).disabled;
  }

  return {
    join: (request) => {
      const { token, source } = request;
      return enter(request, async () => (token === undefined ? { refusal: 'STRANGER' } : tokens.redeem(token, source)));
    },

    async requestApproval(request) {
      const { machineKey, nodeKey, wishedName: name, source } = request;
      const { code, expiresInMs } = await approvals.request({ machineKey, nodeKey, name, source });
      const ending = new AbortController();
      async function decide(): Promise<DoorAnswer> {
        await approvals.wait(code, ending.signal);
        return enter(request, async () => {
          const admission = await approvals.admit(code, request);
          return admission === 'pending' ? { refusal: 'APPROVAL_EXPIRED' } : admission;
        });
      }
      return {
        code,
        url: deps.approvalUrl(),
        expiresInMs,
        decided: decide(),
        cancel() {
          ending.abort();
          void approvals.cancel(code).catch(() => undefined);
        },
      };
    },
  };
}

/** What the door itself never says is said by the connection. */
type DoorRefusal = Exclude<
  RefusalCode,
  'MALFORMED' | 'REPLACED' | 'VERSION_UNSUPPORTED' | 'KEY_PROOF_INVALID' | 'MESSAGE_TOO_LARGE'
>;

const MESSAGES: Readonly<Record<DoorRefusal, string>> = {
  TOKEN_UNKNOWN: 'the token of this link is not known here; ask for a new link',
  TOKEN_EXPIRED: 'this link has expired; ask for a new one',
  TOKEN_USED: 'this link was used already; ask for a new one',
  KEY_IN_USE: 'another device has this node key; give this one a key of its own',
  NODE_REMOVED: 'this device was removed from the network; run "pcloud logout" and join with a new link',
  USER_DISABLED: 'the account that this device belongs to is disabled; ask an owner',
  APPROVAL_DENIED: 'this device was not approved',
  APPROVAL_EXPIRED: 'nobody approved this device in time; run the command again',
  ADDRESS_IN_USE: 'the address chosen for this device is taken or rests; ask for another link',
  ADDRESSES_EXHAUSTED: 'the network has no free address left',
  NETWORK_FULL: `the network has ${LIMITS.NODES} devices, and no room for more; remove one first`,
  TRY_LATER: 'many join at this moment; try again',
};

function refused(code: DoorRefusal): DoorAnswer {
  return { kind: 'refused', code, message: MESSAGES[code] };
}
