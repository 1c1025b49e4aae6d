import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import WebSocket from 'ws';
import type { ConnectControl, ControlTransport } from './transport.ts';

export interface WsTransportDeps {
  /** Addresses of a host. Rejects when there are none. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
}

/** Of the TCP and TLS handshake and the upgrade together. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A Noise message. */
const MAX_FRAME_BYTES = 65_535;

/**
 * Connects by WebSocket. The server's certificate is not looked at: inside, server and node prove their keys
 * to each other, so that nobody between them can read or speak, whoever he is to the certificate.
 */
export function createWsConnect(deps: WsTransportDeps): ConnectControl {
  return (url, { signal }) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const target = new URL('/control', url);
      target.protocol = target.protocol === 'http:' ? 'ws:' : 'wss:';
      const socket = new WebSocket(target, {
        rejectUnauthorized: false,
        perMessageDeflate: false,
        followRedirects: false,
        maxPayload: MAX_FRAME_BYTES,
        handshakeTimeout: CONNECT_TIMEOUT_MS,
        lookup: lookupBy(deps.resolve),
      });
      let remoteAddress: string | undefined;
      const abort = (): void => socket.terminate();
      signal.addEventListener('abort', abort, { once: true });
      socket.once('upgrade', (response) => {
        remoteAddress = response.socket.remoteAddress;
      });
      socket.once('open', () => {
        signal.removeEventListener('abort', abort);
        socket.off('error', fail);
        resolve(wrap(socket, remoteAddress));
      });
      const fail = (error: NodeJS.ErrnoException): void => {
        signal.removeEventListener('abort', abort);
        socket.on('error', () => {});
        reject(signal.aborted ? signal.reason : explain(error));
      };
      socket.once('error', fail);
      socket.once('unexpected-response', (request, response) => {
        fail(new Error(`what is there answers ${response.statusCode} instead of taking nodes`));
        request.destroy();
      });
    });
}

function explain(error: NodeJS.ErrnoException): Error {
  if (error.code !== 'EPROTO' && !error.code?.startsWith('ERR_SSL')) return error;
  return new Error('what is there speaks no TLS', { cause: error });
}

function wrap(socket: WebSocket, remoteAddress: string | undefined): ControlTransport {
  const early: Uint8Array[] = [];
  let callbacks: Parameters<ControlTransport['listen']>[0] | undefined;
  let why: string | undefined;
  let isClosed = false;

  function end(reason: string): void {
    why ??= reason;
    if (isClosed || callbacks === undefined) return;
    isClosed = true;
    callbacks.closed(why);
  }

  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) {
      why = 'the server sent text where only binary messages belong';
      socket.terminate();
    } else if (callbacks === undefined) {
      early.push(data);
    } else {
      callbacks.frame(data);
    }
  });
  socket.on('error', (error) => end(error.message));
  socket.on('close', () => end('the server closed the connection'));
  return {
    remoteAddress,
    send: (frame) => socket.send(frame),
    listen(to) {
      callbacks = to;
      for (const frame of early.splice(0)) to.frame(frame);
      if (why !== undefined) end(why);
    },
    close() {
      isClosed = true;
      socket.terminate();
    },
  };
}

function lookupBy(resolve: WsTransportDeps['resolve']): LookupFunction {
  return (host, options, done) => {
    resolve(host).then(
      (addresses) => {
        const all = addresses.map((address) => ({ address, family: isIP(address) }));
        if (options.all === true) done(null, all);
        else done(null, all[0]!.address, all[0]!.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };
}
