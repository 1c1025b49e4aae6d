import type { Accounts } from '../accounts/index.ts';
import type { Random } from '../accounts/secret.ts';
import type { Approvals } from '../approvals/index.ts';
import type { Logger } from '../log.ts';
import type { Network } from '../network/network.ts';
import type { Adoptions } from '../nodes/adoptions.ts';
import type { NodeRecord } from '../nodes/node-record.ts';
import type { Operations } from '../operations/table.ts';
import type { Refusals } from '../refusals.ts';
import type { Connection, HttpBindings } from './connection.ts';

/** Of every handler of the app. */
export interface HttpEnv {
  Bindings: HttpBindings;
}

export interface HttpAppDeps {
  readonly accounts: Accounts;
  readonly approvals: Approvals;
  readonly operations: Operations;
  /** Whether anybody may register. */
  readonly openRegistration: boolean;
  /** Whether pages and API answer a connection: inside always, outside only under a certificate that is trusted. */
  readonly isTrusted: (connection: Connection) => boolean;
  /** A page, where browsers that may see it find it. */
  readonly pageUrl: (path: string) => string;
  /** Whether the certificate is one that browsers trust, now. */
  readonly hasTrustedCertificate: () => boolean;
  /** What a device needs to know of the network before it joins; no secret. */
  readonly network: Pick<Network, 'id' | 'channelPublic' | 'serverSet'>;
  /** Names of this server; addresses need not be among them. */
  readonly hosts: () => Iterable<string>;
  /** The node that has an address of the network, so that what it begins ends with it. */
  readonly nodeAt: (address: string) => string | undefined;
  /** Whether a connection never left this machine or the tunnel. */
  readonly isInside: (connection: Connection) => boolean;
  /** Nodes by id, with all that was committed until now. */
  readonly nodes: () => Promise<ReadonlyMap<string, NodeRecord>>;
  readonly adoptions: Pick<Adoptions, 'prepare'>;
  /** Whether the network's root is on this disk still. */
  readonly isRootHere: () => boolean;
  /** Whether there is an owner already. */
  readonly hasOwner: () => Promise<boolean>;
  readonly log: Logger;
  readonly refusals: Refusals;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly random: Random;
}
