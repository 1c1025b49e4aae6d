/** GET /control as WebSocket: the node channels' frames, nothing of which is read here. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Prefix } from '@pcloud/ip';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ControlServer, SocketFault } from '../control/control-server.ts';
import type { Refusals } from '../refusals.ts';
import { describeConnection } from './connection.ts';

export interface ControlSocketDeps {
  readonly control: ControlServer;
  readonly refusals: Refusals;
}

/** A Noise message. */
const MAX_FRAME_BYTES = 65_535;
/** While as much waits to be taken, pings get no answer. */
const MAX_PENDING_BYTES = 65_536;
const PATH = '/control';
const OPTIONS = {
  noServer: true,
  maxPayload: MAX_FRAME_BYTES,
  perMessageDeflate: false,
  clientTracking: true,
  autoPong: false,
  /** For the other side to close, too. */
  closeTimeout: 2_000,
} as const;

const REFUSALS = {
  MALFORMED: 400,
  CROSS_SITE: 403,
  ROUTE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
} as const;

/** @returns what ends the connections that are left */
export function attachControl(
  server: Server,
  { control, refusals }: ControlSocketDeps,
  trustedProxies: readonly Prefix[],
): () => void {
  const sockets = new WebSocketServer(OPTIONS);

  function refuse(socket: Duplex, code: keyof typeof REFUSALS, source: string): void {
    const status = REFUSALS[code];
    refusals.note('http', code, source);
    // Who keeps its half open keeps nothing here.
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const { source } = describeConnection(request, trustedProxies);
    const path = (request.url ?? '').split('?')[0];
    if (path !== PATH) return refuse(socket, 'ROUTE_UNKNOWN', source);
    if (request.method !== 'GET') return refuse(socket, 'METHOD_NOT_ALLOWED', source);
    // Nodes are no browsers, and no page has business here.
    if (request.headers.origin !== undefined) return refuse(socket, 'CROSS_SITE', source);
    sockets.handleUpgrade(request, socket, head, (webSocket) => connect(webSocket, control, source));
  });
  sockets.on('wsClientError', (_error: Error, socket: Duplex, request: IncomingMessage) =>
    refuse(socket, 'MALFORMED', describeConnection(request, trustedProxies).source),
  );

  return () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  };
}

function connect(socket: WebSocket, control: ControlServer, source: string): void {
  const input = control.accept(
    {
      send: (frame) => socket.send(frame, { binary: true }),
      get pendingBytes() {
        return socket.bufferedAmount;
      },
      close: () => socket.close(1000),
    },
    source,
  );
  if (input === undefined) {
    socket.on('error', () => {});
    socket.close(1013);
    return;
  }
  let isOver = false;
  /** What came in one piece with it is handed over still, and is nothing to anybody. */
  function fault(code: SocketFault): void {
    if (!isOver) input!.handleFault(code);
    isOver = true;
  }
  // What is wrong with a frame closes the socket by itself, and `close` follows.
  socket.on('error', ({ code = '' }: Error & { code?: string }) => {
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') fault('TOO_LARGE');
    else if (code.startsWith('WS_ERR_')) fault('MALFORMED');
  });
  socket.on('message', (data, isBinary) => {
    if (isOver) return;
    if (isBinary) {
      input.handleFrame(data as Buffer);
      return;
    }
    socket.close(1003);
    fault('TEXT');
  });
  socket.on('ping', (data) => {
    // RFC 6455, 5.5.3: of many pings the last may be answered alone. Who takes no answers gets no more.
    if (socket.bufferedAmount <= MAX_PENDING_BYTES) socket.pong(data, undefined, () => {});
  });
  socket.on('close', () => input.handleClose());
}
