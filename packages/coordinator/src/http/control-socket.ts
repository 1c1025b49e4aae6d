/** GET /control as WebSocket: the node channels' frames, nothing of which is read here. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Prefix } from '@pcloud/ip';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ControlServer } from '../control/control-server.ts';
import { describeConnection } from './connection.ts';

/** A Noise message. */
const MAX_FRAME_BYTES = 65_535;
const PATH = '/control';

/** @returns what ends the connections that are left */
export function attachControl(server: Server, control: ControlServer, trustedProxies: readonly Prefix[]): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const path = (request.url ?? '').split('?')[0];
    if (path !== PATH) return refuse(socket, 404);
    if (request.method !== 'GET') return refuse(socket, 405);
    // Nodes are no browsers, and no page has business here.
    if (request.headers.origin !== undefined) return refuse(socket, 403);
    const { source } = describeConnection(request, trustedProxies);
    sockets.handleUpgrade(request, socket, head, (webSocket) => connect(webSocket, control, source));
  });

  return () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  };
}

function connect(socket: WebSocket, control: ControlServer, source: string): void {
  // What is wrong with a frame closes the socket by itself, and `close` follows.
  socket.on('error', () => {});
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
    socket.close(1013);
    return;
  }
  socket.on('message', (data, isBinary) => {
    if (isBinary) input.handleFrame(data as Buffer);
    else socket.close(1003);
  });
  socket.on('close', () => input.handleClose());
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
