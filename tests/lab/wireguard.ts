/** WireGuard on the hosts of a lab: keys, configurations, and the programs that speak it. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Host } from './host.ts';
import type { LabProcess } from './process.ts';
import { waitFor } from './wait.ts';

/** A key pair in base64, as `wg` writes it. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export interface WgPeer {
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
  readonly presharedKey?: string;
  readonly endpoint?: string;
  readonly keepaliveSeconds?: number;
}

export interface WgInterface {
  readonly privateKey?: string;
  readonly listenPort?: number;
  readonly fwmark?: number;
  /** The rest is for `wg-quick` only. */
  readonly addresses?: readonly string[];
  readonly mtu?: number;
  /** More lines of the [Interface] section, as they stand: `PostUp = …`. */
  readonly lines?: readonly string[];
}

/** A program that makes a WireGuard interface, called as `PROGRAM -f IFNAME`. */
export interface Implementation {
  readonly name: string;
  readonly program: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Ours, as built; PCLOUD_WG names another program to run in its place. */
export const pcloudWg: Implementation = {
  name: 'pcloud-wg',
  program: process.env.PCLOUD_WG ?? `${repository}dist/pcloud-wg`,
};

/** Ours without the addon: noble and dgram. */
export const pcloudWgPlain: Implementation = {
  ...pcloudWg,
  name: 'pcloud-wg plain',
  args: ['--without-addon', '--crypto', 'noble'],
};

/** Where `scripts/test` puts each wireguard-go that it finds. */
const WIREGUARD_GO: readonly Implementation[] = [
  { name: 'wireguard-go debian', program: '/usr/bin/wireguard-go' },
  { name: 'wireguard-go backports', program: `${repository}.cache/wireguard-go-backports/usr/bin/wireguard-go` },
  { name: 'wireguard-go newest', program: `${repository}.cache/wireguard-go-newest/wireguard` },
];

/** The wireguard-go programs on this machine, oldest first; Debian's is always there, installed by `scripts/test`. */
export function wireguardGos(): readonly Implementation[] {
  return WIREGUARD_GO.filter(({ program }, index) => index === 0 || isExecutable(program));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A new key pair, made by OpenSSL, so that nothing under test has a hand in it. */
export function createKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync('x25519');
  // PKCS#8 and SPKI hold the raw key in their last 32 bytes (RFC 8410).
  const raw = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  raw[0]! &= 248;
  raw[31] = (raw[31]! & 127) | 64;
  const clamped = Buffer.concat([privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(0, -32), raw]);
  const publicKey = createPublicKey(createPrivateKey({ key: clamped, format: 'der', type: 'pkcs8' }));
  return {
    privateKey: raw.toString('base64'),
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64'),
  };
}

export function createPresharedKey(): string {
  return randomBytes(32).toString('base64');
}

/** A configuration as `wg setconf` reads it, and `wg-quick` with `addresses`, `mtu` or `lines`. */
export function wgConf(device: WgInterface, peers: readonly WgPeer[] = []): string {
  const text = ['[Interface]'];
  const add = (key: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') text.push(`${key} = ${value}`);
  };
  add('PrivateKey', device.privateKey);
  add('ListenPort', device.listenPort);
  add('FwMark', device.fwmark);
  add('Address', device.addresses?.join(', '));
  add('MTU', device.mtu);
  text.push(...(device.lines ?? []));
  for (const peer of peers) {
    text.push('', '[Peer]');
    add('PublicKey', peer.publicKey);
    add('PresharedKey', peer.presharedKey);
    add('Endpoint', peer.endpoint);
    add('AllowedIPs', peer.allowedIps.join(', '));
    add('PersistentKeepalive', peer.keepaliveSeconds);
  }
  return `${text.join('\n')}\n`;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** The program's LOG_LEVEL. Default `error`. */
  readonly logLevel?: 'silent' | 'error' | 'verbose' | 'debug';
  /** Given to `wg setconf` once the program answers. */
  readonly conf?: string;
  /** Set on the interface before it is brought up; without it the interface stays as the program left it. */
  readonly addresses?: readonly string[];
  readonly mtu?: number;
  /** Prefixes routed into the interface. */
  readonly routes?: readonly string[];
}

/**
 * Starts an implementation in the foreground on a host and waits until `wg` gets an answer; configures it
 * and brings it up where that is asked for.
 */
export async function startWireGuard(
  host: Host,
  implementation: Implementation,
  name: string,
  options: StartOptions = {},
): Promise<LabProcess> {
  const args = [...(implementation.args ?? []), ...(options.args ?? [])];
  const env = {
    LOG_LEVEL: options.logLevel ?? 'error',
    WG_PROCESS_FOREGROUND: '1',
    ...implementation.env,
    ...options.env,
  };
  const program = host.spawn([implementation.program, ...args, '-f', name], { env });
  const answers = async (): Promise<boolean> => {
    if (!program.isRunning) throw new Error('it ended');
    if (!(await listensForWg(host, name))) return false;
    return (await host.run(['wg', 'show', name], { check: false })).code === 0;
  };
  await waitFor(`${implementation.name} to answer for ${name} on ${host.name}`, answers, 10_000, program.output);
  if (options.conf !== undefined) await setConf(host, name, options.conf);
  await bringUp(host, name, options);
  return program;
}

/**
 * Whether the configuration socket of an interface listens. `wg` deletes one that is bound and does not listen yet,
 * so it may be asked only from then on.
 */
export async function listensForWg(host: Host, name: string): Promise<boolean> {
  const table = await host.run(['grep', '-q', ` 00010000 .*/wireguard/${name}\\.sock$`, '/proc/net/unix'], {
    check: false,
  });
  return table.code === 0;
}

/** `wg setconf`, or with `how` `addconf` or `syncconf`. */
export async function setConf(host: Host, name: string, conf: string, how = 'setconf'): Promise<void> {
  const path = host.write(`/run/pcloud/${name}.${how}`, conf);
  await host.run(['wg', how, name, path]);
}

async function bringUp(host: Host, name: string, options: StartOptions): Promise<void> {
  const lines = (options.addresses ?? []).map((address) => `address add ${address} dev ${name} nodad`);
  if (options.mtu !== undefined) lines.push(`link set ${name} mtu ${options.mtu}`);
  if (options.addresses !== undefined || options.routes !== undefined) lines.push(`link set ${name} up`);
  lines.push(...(options.routes ?? []).map((prefix) => `route add ${prefix} dev ${name}`));
  if (lines.length > 0) await host.run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Figures of one peer, as `wg show IFNAME dump` has them. */
export interface PeerStatus {
  readonly publicKey: string;
  readonly endpoint: string;
  readonly latestHandshakeSeconds: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** The peers of an interface, asked of `wg`. */
export async function peers(host: Host, name: string): Promise<readonly PeerStatus[]> {
  const { stdout } = await host.run(['wg', 'show', name, 'dump']);
  return stdout
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [publicKey = '', , endpoint = '', , handshake, rx, tx] = line.split('\t');
      return {
        publicKey,
        endpoint,
        latestHandshakeSeconds: Number(handshake),
        rxBytes: Number(rx),
        txBytes: Number(tx),
      };
    });
}
