import { readFileSync } from 'node:fs';
import { type Addon, loadNative, type Plane, type TunInfo } from '@pcloud/native';
import { type Crypto, createBatch, createNobleCrypto } from '@pcloud/wireguard';
import { addonBesideProgram } from './addon-path.ts';
import { createSystemClock } from './clock.ts';
import { createDgramBind } from './dgram-bind.ts';
import { DaemonError } from './errors.ts';
import { createFdTun, inspectTunDescriptor } from './fd-tun.ts';
import type { Hands } from './hands.ts';
import { explainTunError } from './interface-name.ts';
import { pollLink } from './link-watch.ts';
import type { Logger } from './log.ts';
import { createFaultTracker } from './native-faults.ts';
import { createNetlinkWatch } from './native-link.ts';
import { createNativeSeams, type NativeSeams } from './native-plane.ts';
import { createPortablePlane } from './portable-plane.ts';
import { createScopes } from './scopes.ts';
import { probeTun } from './tun-probe.ts';
import type { WireGuardOptions } from './wireguard.ts';

const DEFAULT_MTU = 1420;
/** How often the addon is asked what the kernel refused. */
const FAULTS_INTERVAL_MS = 10_000;

/**
 * Opens the interface, and chooses by options and machine who does the work.
 * @throws DaemonError that says what to do
 */
export function createHands(options: WireGuardOptions, log: Logger): Promise<Hands> {
  const loaded = loadNative(addonBesideProgram());
  if ('addon' in loaded) return createNativeHands(loaded.addon, options, log);
  log.info({ reason: loaded.reason }, 'no addon; packets go through TypeScript');
  return createPortableHands(loaded.reason, options, log);
}

async function createNativeHands(addon: Addon, options: WireGuardOptions, log: Logger): Promise<Hands> {
  const plane = addon.createPlane();
  try {
    chooseAead(plane, options);
    const { name, fd } = openTun(addon, plane, options);
    const seams = createNativeSeams(plane, name);
    const isNative = choosesNative(plane, options);
    const crypto = await chooseCrypto(options, log);
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
  readonly options: WireGuardOptions;
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
    crypto: isNative ? { ...crypto, name: `${plane.aead()}, ${crypto.name} for handshakes` } : crypto,
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

async function createPortableHands(reason: string, options: WireGuardOptions, log: Logger): Promise<Hands> {
  for (const [option, isAsked] of [
    ['--bind native', options.bind === 'native'],
    ['--crypto native', options.crypto === 'native'],
    ['--aead', options.aead !== undefined],
  ] as const) {
    if (isAsked) throw new DaemonError('ADDON_MISSING', `${option}: ${reason}`);
  }
  if (options.tunDescriptor === undefined) {
    throw new DaemonError(
      'ADDON_MISSING',
      `interface "${options.name}" cannot be made: ${reason}; run "npm run build", or hand over a TUN in WG_TUN_FD`,
    );
  }
  const crypto = await chooseCrypto(options, log);
  const batch = createBatch();
  const scopes = createScopes();
  const descriptor = inspectTunDescriptor(options.tunDescriptor);
  const tun = createFdTun(options.tunDescriptor, descriptor);
  const bind = createDgramBind(scopes);
  return {
    tun,
    bind,
    plane: createPortablePlane({ tun, bind, crypto, batch }),
    batch,
    crypto,
    clock: createSystemClock(),
    watchLink: pollLink,
    interfaceIndex: (name) => scopes.indexOf(name),
    mtu: readMtu(tun.name),
    dataPlane: 'portable',
    bindName: 'dgram',
    features: () => ({}),
    counters: () => ({ ...bind.counters }),
    close() {},
  };
}

function chooseAead(plane: Plane, options: WireGuardOptions): void {
  if (options.aead === undefined) return;
  try {
    plane.setAead(options.aead);
  } catch (cause) {
    throw new DaemonError('BAD_OPTION', `--aead ${options.aead}: this machine does not have it`, { cause });
  }
}

/** Whether the addon does it all: only where its sockets and its cryptography are wanted, or nothing else is. */
function choosesNative(plane: Plane, options: WireGuardOptions): boolean {
  const hasAead = plane.aead() !== undefined;
  const isForced = options.crypto === 'native' || options.aead !== undefined;
  if (isForced && options.bind === 'dgram') {
    throw new DaemonError('BAD_OPTION', '--bind dgram: cryptography in the addon needs its sockets too');
  }
  if (isForced && options.crypto !== undefined && options.crypto !== 'native') {
    throw new DaemonError('BAD_OPTION', `--aead ${options.aead}: of no use with --crypto ${options.crypto}`);
  }
  if (options.crypto === 'native' && !hasAead) {
    throw new DaemonError('CRYPTO_UNAVAILABLE', '--crypto native: the addon has no AEAD that passes its check here');
  }
  return hasAead && options.bind !== 'dgram' && (options.crypto === undefined || options.crypto === 'native');
}

function openTun(addon: Addon, plane: Plane, options: WireGuardOptions): TunInfo {
  const { name, tunDescriptor, offload } = options;
  if (tunDescriptor !== undefined) {
    try {
      return plane.adoptTun(tunDescriptor);
    } catch (cause) {
      throw new DaemonError('BAD_OPTION', `WG_TUN_FD: descriptor ${tunDescriptor} is not a usable TUN`, { cause });
    }
  }
  const isNew = addon.linkInfo(name) === undefined;
  try {
    const info = plane.openTun(name, { offload });
    if (isNew) addon.linkSet(info.name, { mtu: DEFAULT_MTU });
    return info;
  } catch (error) {
    throw explainTunError(name, error);
  }
}

/** Says once, when the sockets are first open, what the kernel lacks of what speeds packets up. */
function withFeatureLog(
  bind: NativeSeams['bind'],
  plane: Plane,
  options: WireGuardOptions,
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
          if (!isOn && (options.offload || !OFFLOADS.has(feature))) log.info({ feature }, 'the kernel lacks a feature');
        }
      }
      return opened;
    },
  };
}

const OFFLOADS: ReadonlySet<string> = new Set(['vnet-header', 'tso', 'uso', 'tcp-coalescing', 'udp-coalescing']);

function readMtu(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8').trim()) || DEFAULT_MTU;
  } catch {
    return DEFAULT_MTU;
  }
}

async function chooseCrypto(_options: WireGuardOptions, log: Logger): Promise<Crypto> {
  const crypto = createNobleCrypto();
  log.info({ crypto: crypto.name }, 'cryptography chosen');
  return crypto;
}

/** What works of what is in use. */
function featuresOf(plane: Plane, isNative: boolean, isDgram: boolean): Record<string, boolean> {
  const entries = Object.entries(plane.features());
  return Object.fromEntries(
    entries.filter(([name]) => (isNative || name !== 'aead') && (!isDgram || name === 'aead' || OFFLOADS.has(name))),
  );
}
