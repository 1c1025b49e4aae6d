/** A device that only keeps what it is told, and a host whose sockets can refuse. */
import { formatPrefix } from '@pcloud/ip';
import type { Device, Peer } from '../src/device-api.ts';
import { WireGuardError } from '../src/errors.ts';
import { createUapi, type UapiHost, type UapiSession } from '../src/uapi/index.ts';

export type FakeDevice = Pick<
  Device,
  'publicKey' | 'copyPrivateKey' | 'setPrivateKey' | 'peers' | 'findPeer' | 'addPeer' | 'removePeer' | 'removeAllPeers'
> & { readonly calls: string[]; readonly maxPeers: { value: number } };

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A key of one byte repeated, as hex. */
export function key(byte: number): string {
  return byte.toString(16).padStart(2, '0').repeat(32);
}

/** The public key of the fake: every byte inverted. */
function publicOf(privateKey: Uint8Array): Uint8Array {
  return privateKey.map((byte) => byte ^ 0xff);
}

export class FakePeer {
  readonly publicKey: Uint8Array;
  presharedKey: Uint8Array | undefined;
  endpoint: Int32Array | undefined;
  keepaliveIntervalSeconds = 0;
  prefixes: { address: Uint8Array; length: number }[] = [];
  txBytes = 0;
  rxBytes = 0;
  lastHandshakeWallMs = 0;
  readonly reason = 'idle';
  private readonly device: { peers: FakePeer[]; calls: string[] };

  constructor(device: { peers: FakePeer[]; calls: string[] }, publicKey: Uint8Array) {
    this.device = device;
    this.publicKey = publicKey.slice();
  }

  copyPresharedKey(): Uint8Array | undefined {
    return this.presharedKey?.slice();
  }
  setPresharedKey(presharedKey: Uint8Array | undefined): void {
    this.presharedKey = presharedKey?.slice();
  }
  copyEndpoint(): Int32Array | undefined {
    return this.endpoint?.slice();
  }
  setEndpoint(endpoint: Int32Array): void {
    this.endpoint = endpoint.slice();
  }
  setKeepaliveInterval(seconds: number): void {
    this.device.calls.push(`keepalive ${hex(this.publicKey).slice(0, 2)} ${seconds}`);
    this.keepaliveIntervalSeconds = seconds;
  }
  allowedIps(): { address: Uint8Array; length: number }[] {
    return this.prefixes;
  }
  addAllowedIp(address: Uint8Array, length: number): void {
    const name = formatPrefix({ address, length });
    if (this.prefixes.some((prefix) => formatPrefix(prefix) === name)) return;
    for (const peer of this.device.peers) {
      peer.prefixes = peer.prefixes.filter((prefix) => formatPrefix(prefix) !== name);
    }
    this.prefixes.push({ address, length });
  }
  removeAllowedIp(address: Uint8Array, length: number): void {
    const name = formatPrefix({ address, length });
    this.prefixes = this.prefixes.filter((prefix) => formatPrefix(prefix) !== name);
  }
  removeAllAllowedIps(): void {
    this.prefixes = [];
  }
  start(): void {
    this.device.calls.push(`start ${hex(this.publicKey).slice(0, 2)}`);
  }
}

export function createFakeDevice(): FakeDevice & { state: { peers: FakePeer[]; calls: string[] } } {
  const state = { peers: [] as FakePeer[], calls: [] as string[] };
  const maxPeers = { value: 1000 };
  let privateKey: Uint8Array | undefined;
  const find = (publicKey: Uint8Array) => state.peers.find((peer) => hex(peer.publicKey) === hex(publicKey));
  const remove = (publicKey: Uint8Array): void => {
    state.peers = state.peers.filter((peer) => hex(peer.publicKey) !== hex(publicKey));
  };
  return {
    state,
    calls: state.calls,
    maxPeers,
    get publicKey() {
      return privateKey && publicOf(privateKey);
    },
    copyPrivateKey: () => privateKey?.slice(),
    setPrivateKey(wanted) {
      privateKey = wanted?.slice();
      if (privateKey !== undefined) remove(publicOf(privateKey));
    },
    peers: () => state.peers as unknown as Peer[],
    findPeer: (publicKey) => find(publicKey) as unknown as Peer | undefined,
    addPeer(publicKey) {
      if (privateKey !== undefined && hex(publicOf(privateKey)) === hex(publicKey)) return undefined;
      let peer = find(publicKey);
      if (peer === undefined) {
        if (state.peers.length >= maxPeers.value) throw new WireGuardError('TOO_MANY_PEERS', 'peers: too many');
        peer = new FakePeer(state, publicKey);
        state.peers.push(peer);
        state.calls.push(`add ${hex(publicKey).slice(0, 2)}`);
      }
      return peer as unknown as Peer;
    },
    removePeer(publicKey) {
      state.calls.push(`remove ${hex(publicKey).slice(0, 2)}`);
      remove(publicKey);
    },
    removeAllPeers() {
      state.peers = [];
    },
  };
}

export interface FakeHost extends UapiHost {
  listenPort: number;
  fwmark: number;
  /** Every change of the sockets is refused. */
  refuses: boolean;
  /** How often the device was said to have changed. */
  changes: number;
}

export interface FakeConnection extends UapiSession {
  readonly replies: string[];
  write(text: string): Promise<void>;
}

export interface Bench {
  readonly device: ReturnType<typeof createFakeDevice>;
  readonly host: FakeHost;
  readonly log: string[];
  /** @param taken what every reply waits for */
  connect(taken?: Promise<void>): FakeConnection;
  /** Everything that a client sends on one connection, and what it gets. */
  run(text: string): Promise<string>;
}

function createFakeHost(): FakeHost {
  const host: FakeHost = {
    listenPort: 0,
    fwmark: 0,
    refuses: false,
    changes: 0,
    async setListenPort(port) {
      await Promise.resolve();
      if (host.refuses) throw new Error('address in use');
      host.listenPort = port;
    },
    async setFwmark(mark) {
      if (host.refuses) throw new Error('not permitted');
      host.fwmark = mark;
    },
    changed() {
      host.changes++;
    },
    interfaceIndex: (name) => (name === 'eth0' ? 2 : undefined),
  };
  return host;
}

/** A device, its host and connections to it. */
export function createBench(): Bench {
  const device = createFakeDevice();
  const host = createFakeHost();
  const log: string[] = [];
  const uapi = createUapi({ device: device as unknown as Device, host, now: () => 0, log: (line) => log.push(line) });

  function connect(taken?: Promise<void>): FakeConnection {
    const replies: string[] = [];
    const session = uapi.connect((text) => {
      replies.push(text);
      return taken;
    });
    return {
      receive: session.receive,
      end: session.end,
      abort: session.abort,
      get isClosed() {
        return session.isClosed;
      },
      replies,
      write: (text) => session.receive(new Uint8Array(Buffer.from(text, 'latin1'))),
    };
  }

  async function run(text: string): Promise<string> {
    const session = connect();
    await session.write(text);
    await session.end();
    return session.replies.join('');
  }

  return { device, host, log, connect, run };
}
