import type { Addon, Plane, TunInfo } from '@pcloud/native';
import type { Crypto } from '@pcloud/wireguard';
import { createSystemClock } from './clock.ts';
import { chooseCrypto } from './crypto-choice.ts';
import { createDgramBind } from './dgram-bind.ts';
import { DaemonError } from './errors.ts';
import { inspectTunDescriptor } from './fd-tun.ts';
import { DEFAULT_MTU, type Hands, type HandsOptions } from './hands.ts';
import { explainTunError } from './interface-name.ts';
import type { Logger } from './log.ts';
import { createFaultTracker } from './native-faults.ts';
import { createNetlinkWatch } from './native-link.ts';
import { createNativeSeams, type NativeSeams } from './native-plane.ts';
import { createPortablePlane } from './portable-plane.ts';
import { createScopes } from './scopes.ts';
import { probeTun } from './tun-probe.ts';

/** How often the addon is asked what the kernel refused. */
const FAULTS_INTERVAL_MS = 10_000;
const NOT_ADOPTABLE = 'WG_TUN_FD: the descriptor is not a TUN without packet information';
const OFFLOADS: ReadonlySet<string> = new Set(['vnet-header', 'tso', 'uso', 'tcp-coalescing', 'udp-coalescing']);

/**
 * Hands of the addon, or of those of its parts that the options leave to it.
 * @throws DaemonError that says what to do
 */
export function createNativeHands(addon: Addon, options: HandsOptions, log: Logger): Hands {
  const plane = addon.createPlane();
  try {
    chooseAead(plane, options);
    const isNative = choosesNative(plane, options);
    const crypto = chooseCrypto(options, log, addon);
    const { name, fd } = openTun(addon, plane, options);
    const seams = createNativeSeams(plane, name);
    if (isNative) log.info({ aead: plane.aead() }, 'packets go through the addon');
    return assembleNative({ addon, plane, seams, crypto, isNative, descriptor: fd, options, log });
  } catch (error) {
    plane.close();
    throw error;
  }
}

interface NativeParts {
  readonly addon: Addon;
  readonly plane: Plane;
  readonly seams: NativeSeams;
  readonly crypto: Crypto;
  /** Whether the addon does the cryptography too. */
  readonly isNative: boolean;
  /** Of the TUN. */
  readonly descriptor: number;
  readonly options: HandsOptions;
  readonly log: Logger;
}

function assembleNative(parts: NativeParts): Hands {
  const { addon, plane, seams, crypto, isNative, options, log } = parts;
  const { batch, tun } = seams;
  const scopes = createScopes();
  const dgram = options.bind === 'dgram' ? createDgramBind(scopes) : undefined;
  const faults = createFaultTracker(() => plane.takeFaults(), log);
  const timer = setInterval(() => faults.collect(), FAULTS_INTERVAL_MS);
  timer.unref();
  const bind = dgram ?? withFeatureLog(seams.bind, plane, options, log);
  return {
    tun,
    bind,
    plane: isNative ? seams.dataPlane : createPortablePlane({ tun, bind, crypto, batch }),
    batch,
    crypto: isNative ? { ...crypto, name: `${crypto.name} (${plane.aead()})` } : crypto,
    clock: createSystemClock(addon),
    watchLink: createNetlinkWatch(addon, () => probeTun(parts.descriptor)),
    interfaceIndex: (name) => addon.linkInfo(name)?.index ?? 0,
    mtu: addon.linkInfo(tun.name)?.mtu ?? DEFAULT_MTU,
    dataPlane: isNative ? 'native' : 'portable',
    bindName: dgram ? 'dgram' : 'native',
    features: () => featuresOf(plane, isNative, dgram !== undefined),
    counters: () => ({ ...faults.counters(), ...dgram?.counters }),
    close() {
      clearInterval(timer);
      plane.close();
    },
  };
}

function chooseAead(plane: Plane, options: HandsOptions): void {
  if (options.aead === undefined) return;
  try {
    plane.setAead(options.aead);
  } catch (cause) {
    throw new DaemonError('BAD_OPTION', `--aead ${options.aead}: this machine does not have it`, { cause });
  }
}

/** Whether the addon does it all: only where its sockets and its cryptography are wanted, or nothing else is. */
function choosesNative(plane: Plane, options: HandsOptions): boolean {
  const hasAead = plane.aead() !== undefined;
  const { crypto, aead, bind } = options;
  if (aead !== undefined && (bind === 'dgram' || (crypto !== undefined && crypto !== 'native'))) {
    const other = bind === 'dgram' ? '--bind dgram' : `--crypto ${crypto}`;
    throw new DaemonError('BAD_OPTION', `--aead ${aead}: of no use with ${other}`);
  }
  return hasAead && bind !== 'dgram' && (crypto === undefined || crypto === 'native');
}

function openTun(addon: Addon, plane: Plane, options: HandsOptions): TunInfo {
  const { name, tunDescriptor, offload } = options;
  if (tunDescriptor !== undefined) {
    refusePacketInformation(tunDescriptor);
    try {
      return plane.adoptTun(tunDescriptor);
    } catch (cause) {
      throw new DaemonError('BAD_OPTION', NOT_ADOPTABLE, { cause });
    }
  }
  const isNew = addon.linkInfo(name) === undefined;
  try {
    const info = plane.openTun(name, { offload, persist: options.persist === true });
    if (isNew) addon.linkSet(info.name, { mtu: DEFAULT_MTU });
    return info;
  } catch (error) {
    throw explainTunError(name, error);
  }
}

/** Its ioctl cannot tell: there the flag for "no packet information" is also the one for "no filter". */
function refusePacketInformation(descriptor: number): void {
  let hasPacketInformation = false;
  try {
    ({ hasPacketInformation } = inspectTunDescriptor(descriptor));
  } catch {
    // The addon says what is wrong with it.
  }
  if (hasPacketInformation) throw new DaemonError('BAD_OPTION', NOT_ADOPTABLE);
}

/** Says once, when the sockets are first open, what the kernel lacks of what speeds packets up. */
function withFeatureLog(
  bind: NativeSeams['bind'],
  plane: Plane,
  options: HandsOptions,
  log: Logger,
): NativeSeams['bind'] {
  let said = false;
  return {
    ...bind,
    async open(port, mark) {
      const opened = await bind.open(port, mark);
      if (!said) {
        said = true;
        for (const [feature, isOn] of Object.entries(plane.features())) {
          if (!isOn && (options.offload || !OFFLOADS.has(feature))) log.info({ feature }, 'feature not available');
        }
      }
      return opened;
    },
  };
}

/** What works of what is in use. */
function featuresOf(plane: Plane, isNative: boolean, isDgram: boolean): Record<string, boolean> {
  const entries = Object.entries(plane.features());
  return Object.fromEntries(
    entries.filter(([name]) => (isNative || name !== 'aead') && (!isDgram || name === 'aead' || OFFLOADS.has(name))),
  );
}
