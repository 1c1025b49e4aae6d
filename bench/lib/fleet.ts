/** A process with some of the fleet's nodes, each on a WebSocket of its own; `scale-network.ts` tells it what to do. */
import { parseJoinLink } from '@pcloud/netmap';
import { WebSocket } from 'ws';
import { createNodeCrypto } from '../../packages/daemon/src/crypto/node.ts';
import { createFleetNode, type FleetNode } from './fleet-node.ts';

/** Nodes with one join link, numbered on from `first`. */
export interface JoinOrder {
  readonly link: string;
  readonly url: string;
  readonly first: number;
  readonly count: number;
}

/** What the parent says, and what it is told; times of the monotonic clock that processes share. */
export type FleetOrder = { readonly do: 'join'; readonly groups: readonly JoinOrder[] } | { readonly do: 'bytes' };
export type FleetNews =
  | { readonly kind: 'ready'; readonly count: number }
  | { readonly kind: 'saw'; readonly name: string; readonly atMs: number }
  | { readonly kind: 'bytes'; readonly bytes: number };

/** Connections that a process has under way at once; and when it tries again where nobody listens. */
const AT_ONCE = 32;
const RETRY_MS = 200;

const crypto = createNodeCrypto();
const nodes: FleetNode[] = [];
const due: (() => void)[] = [];
let underWay = 0;
let ready = 0;

const tell = (news: FleetNews): void => void process.send!(news);

process.on('message', (order: FleetOrder) => {
  if (order.do === 'join') for (const group of order.groups) addGroup(group);
  else if (order.do === 'bytes') tell({ kind: 'bytes', bytes: nodes.reduce((sum, node) => sum + node.takeBytes(), 0) });
});

function addGroup({ link, url, first, count }: JoinOrder): void {
  const parsed = parseJoinLink(link);
  if (parsed instanceof Error) throw parsed;
  for (let number = first; number < first + count; number++) {
    let socket: WebSocket | undefined;
    let isConnecting = false;
    const settle = (): void => {
      if (!isConnecting) return;
      isConnecting = false;
      underWay--;
      connectNext();
    };
    const node = createFleetNode({
      crypto,
      networkId: parsed.networkId,
      channelKey: parsed.channelKey,
      token: parsed.token,
      name: `node-x${number}`,
      send: (frame) => socket!.send(frame),
      handleReady() {
        settle();
        ready++;
        tell({ kind: 'ready', count: ready });
      },
      handleChange(names) {
        for (const name of names) if (name.startsWith('change-')) tell({ kind: 'saw', name, atMs: nowMs() });
      },
      handleRefused(code) {
        if (code !== 'TRY_LATER') throw new Error(`node ${number} is refused: ${code}`);
      },
    });
    nodes.push(node);
    const connect = (): void => {
      isConnecting = true;
      underWay++;
      // An address of its own each: from one alone a coordinator takes few at once.
      const localAddress = `127.${1 + (number >> 16)}.${(number >> 8) & 255}.${1 + (number & 127)}`;
      const opened = new WebSocket(`${url}/control`, {
        rejectUnauthorized: false,
        localAddress,
        perMessageDeflate: false,
      });
      socket = opened;
      opened.on('open', () => node.start());
      opened.on('message', (data) => node.handleFrame(data as Buffer));
      opened.on('error', () => {});
      opened.on('close', () => {
        if (!isConnecting) ready--;
        settle();
        setTimeout(() => enqueue(connect), RETRY_MS + Math.random() * RETRY_MS);
      });
    };
    enqueue(connect);
  }
}

function enqueue(connect: () => void): void {
  due.push(connect);
  connectNext();
}

function connectNext(): void {
  while (underWay < AT_ONCE && due.length > 0) due.shift()!();
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
