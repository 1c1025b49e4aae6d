import { randomFillSync } from 'node:crypto';
import { loadNative } from '@pcloud/native';
import { type Crypto, createNobleCrypto } from '@pcloud/wireguard';
import { addonBesideProgram } from '../addon-path.ts';
import { type Clock, createSystemClock } from '../clock.ts';
import { createHands } from '../create-hands.ts';
import type { Hands, HandsOptions } from '../hands.ts';
import type { Logger } from '../log.ts';
import { createRememberingResolver, type HostMemory } from './control/remembering-resolver.ts';
import type { ConnectControl } from './control/transport.ts';
import { createWsConnect } from './control/ws-transport.ts';
import { createPortableMachine, type MachineNetwork } from './machine.ts';
import { createSystemNames } from './names/system-names.ts';
import type { DnsMode, MeshNames } from './names.ts';
import { probeByTcp } from './probe.ts';

/** Everything through which the mesh daemon touches the machine. */
export interface MeshSeams {
  readonly clock: Clock;
  /** Fills with unpredictable bytes. */
  readonly random: (out: Uint8Array) => void;
  /** Of keys and the node channel; packets have that of their hands. */
  readonly crypto: Crypto;
  readonly createHands: (options: HandsOptions, log: Logger) => Hands;
  readonly network: MachineNetwork;
  /** Addresses of the machine's resolvers. */
  readonly nameservers: () => readonly Uint8Array[];
  readonly createConnect: (memory: HostMemory) => ConnectControl;
  readonly names: MeshNames;
  /** Milliseconds until a host of the mesh answers. Rejects when it does not before the signal is aborted. */
  readonly probe: (address: string, signal: AbortSignal) => Promise<number>;
  /** The user at the other end of a Unix socket's descriptor; undefined where that cannot be told. */
  readonly userOf: ((descriptor: number) => number) | undefined;
}

export interface SystemSeamsOptions {
  readonly stateDir: string;
  /** Of the interface. */
  readonly name: string;
  /** Whether programs of this machine are sent to our resolver; `auto` unless said. */
  readonly dns?: DnsMode | undefined;
}

/** The machine itself. */
export function systemSeams({ stateDir, name, dns = 'auto' }: SystemSeamsOptions, log: Logger): MeshSeams {
  const loaded = loadNative(addonBesideProgram());
  const addon = 'addon' in loaded ? loaded.addon : undefined;
  const clock = createSystemClock(addon);
  const random = (out: Uint8Array): void => void randomFillSync(out);
  const network = addon ?? createPortableMachine(log);
  const names = createSystemNames({ stateDir, interfaceName: name, dns }, { network, clock, random, log });
  return {
    clock,
    random,
    crypto: createNobleCrypto(),
    createHands,
    network,
    nameservers: () => names.nameservers(),
    createConnect: (memory) => createWsConnect({ resolve: createRememberingResolver(names.resolveHost, memory) }),
    names,
    probe: probeByTcp,
    userOf: addon && ((descriptor) => addon.peerCredentials(descriptor).uid),
  };
}
