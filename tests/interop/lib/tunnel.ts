import type { Host } from '../../lab/host.ts';
import type { LabProcess } from '../../lab/process.ts';
import { waitFor } from '../../lab/wait.ts';
import { listensForWg } from '../../lab/wireguard.ts';
import type { Implementation } from './implementations.ts';
import { createKeyPair, type KeyPair } from './keys.ts';

export interface TunnelOptions {
  readonly host: Host;
  readonly implementation: Implementation;
  /** Default `wg0`. */
  readonly name?: string;
  readonly keys?: KeyPair;
  /** UDP port. Default 51820. */
  readonly port?: number;
  /** Addresses of the interface, with prefix lengths. */
  readonly addresses?: readonly string[];
  /** Default 1420. */
  readonly mtu?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A WireGuard interface of a host, as `wg` sees it. */
export interface Tunnel {
  readonly host: Host;
  readonly name: string;
  readonly keys: KeyPair;
  readonly port: number;
  readonly process: LabProcess;
  /** `wg set NAME …`. */
  set(...words: readonly string[]): Promise<void>;
  /** Adds or changes a peer. */
  setPeer(publicKey: string, options: PeerOptions): Promise<void>;
  /** `wg show NAME dump`, parsed. */
  show(): Promise<Shown>;
  /** The one peer, or the one with this key, as `wg show` has it. */
  peer(publicKey?: string): Promise<ShownPeer>;
  stop(): Promise<void>;
}

export interface PeerOptions {
  readonly allowedIps?: readonly string[];
  readonly endpoint?: string;
  readonly keepalive?: number;
  readonly presharedKey?: string;
}

export interface Shown {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly port: number;
  readonly mark: string;
  readonly peers: readonly ShownPeer[];
}

export interface ShownPeer {
  readonly publicKey: string;
  readonly presharedKey: string;
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
  /** Seconds since 1970, 0 for never. */
  readonly handshakeAt: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly keepalive: string;
}

/** Starts an implementation on a host, without configuring it, and waits until `wg` can speak to it. */
export async function startProcess(
  host: Host,
  implementation: Implementation,
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LabProcess> {
  const process = host.spawn([...implementation.command, '-f', name], { env: { LOG_LEVEL: 'verbose', ...env } });
  const answers = async (): Promise<boolean> => {
    if (!process.isRunning) throw new Error(`${implementation.name} ended`);
    if (!(await listensForWg(host, name))) return false;
    return (await host.run(['wg', 'show', name], { check: false })).code === 0;
  };
  await waitFor(`${implementation.name} to answer`, answers, 10_000, () => process.output());
  return process;
}

/** Starts an implementation, gives it a key, a port, addresses, and sets it up. */
export async function startTunnel(options: TunnelOptions): Promise<Tunnel> {
  const { host, implementation, name = 'wg0', keys = createKeyPair(), port = 51820 } = options;
  const process = await startProcess(host, implementation, name, options.env);
  const setUp = [
    `wg set ${name} private-key ${host.write(`/run/${name}.key`, keys.privateKey)} listen-port ${port}`,
    ...(options.addresses ?? []).map((address) => `ip address add ${address} dev ${name} nodad`),
    `ip link set ${name} mtu ${options.mtu ?? 1420} up`,
  ];
  await host.run(setUp.join(' && '));
  return describeTunnel(host, name, keys, port, process);
}

/** A tunnel that runs already. */
export function describeTunnel(host: Host, name: string, keys: KeyPair, port: number, process: LabProcess): Tunnel {
  const show = async (): Promise<Shown> => parseDump((await host.run(['wg', 'show', name, 'dump'])).stdout);
  return {
    host,
    name,
    keys,
    port,
    process,
    async set(...words) {
      await host.run(['wg', 'set', name, ...words]);
    },
    async setPeer(publicKey, peer) {
      const words = ['wg', 'set', name, 'peer', publicKey];
      if (peer.presharedKey) words.push('preshared-key', host.write(`/run/${name}.psk`, peer.presharedKey));
      if (peer.endpoint) words.push('endpoint', peer.endpoint);
      if (peer.keepalive !== undefined) words.push('persistent-keepalive', `${peer.keepalive}`);
      if (peer.allowedIps) words.push('allowed-ips', peer.allowedIps.join(','));
      await host.run(words);
    },
    show,
    async peer(publicKey) {
      const { peers } = await show();
      const found = publicKey ? peers.find((each) => each.publicKey === publicKey) : peers[0];
      if (!found) throw new Error(`${name} has no peer ${publicKey ?? ''}`);
      return found;
    },
    async stop() {
      await process.stop();
    },
  };
}

function parseDump(text: string): Shown {
  const [head, ...rest] = text.trimEnd().split('\n');
  const [privateKey, publicKey, port, mark] = head!.split('\t');
  const peers = rest.map((line): ShownPeer => {
    const [key, presharedKey, endpoint, allowedIps, handshakeAt, rxBytes, txBytes, keepalive] = line.split('\t');
    return {
      publicKey: key!,
      presharedKey: presharedKey!,
      endpoint: endpoint!,
      allowedIps: allowedIps === '(none)' ? [] : allowedIps!.split(','),
      handshakeAt: Number(handshakeAt),
      rxBytes: Number(rxBytes),
      txBytes: Number(txBytes),
      keepalive: keepalive!,
    };
  });
  return { privateKey: privateKey!, publicKey: publicKey!, port: Number(port), mark: mark!, peers };
}
