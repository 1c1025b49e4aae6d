import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { FakeControl } from './fake-control.ts';
import { TEST_CERTIFICATE } from './test-certificate.ts';

/** A fake coordinator behind real TLS and WebSockets. */
export interface ServedControl {
  readonly port: number;
  close(): Promise<void>;
}

/** @param address 0.0.0.0 for any */
export async function serveControl(control: FakeControl, port: number, address: string): Promise<ServedControl> {
  const server = createServer(TEST_CERTIFICATE);
  const sockets = new WebSocketServer({ server, path: '/control' });
  sockets.on('connection', async (socket) => {
    const early: Buffer[] = [];
    let deliver = (data: Buffer): void => void early.push(data);
    socket.on('message', (data: Buffer) => deliver(data));
    const transport = await control.connect(control.url, { signal: new AbortController().signal });
    transport.listen({ frame: (frame) => socket.send(frame), closed: () => socket.close() });
    socket.on('close', () => transport.close());
    deliver = (data) => transport.send(data);
    for (const data of early.splice(0)) deliver(data);
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
