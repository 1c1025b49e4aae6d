/** What comes to a port and is neither TLS nor HTTP, or too much of it. */
import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Refusals } from '../refusals.ts';
import { plainAddress } from './connection.ts';

/** How long an answer may take before its socket is cut. */
const ANSWER_MS = 1_000;

/** Answers where there is somebody to read it, counts, and closes. */
export function watchClientErrors(server: Server, refusals: Refusals): void {
  server.on('tlsClientError', (_error: Error, socket: Socket) => {
    refusals.note('tls', 'HANDSHAKE_REFUSED', sourceOf(socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const { code = '' } = error;
    const isHttp = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
    // The rest is the connection's own end, or a TLS handshake's, which is counted above.
    if (!isHttp) {
      socket.destroy();
      return;
    }
    const { status, name } = FAULTS[code] ?? ({ status: 400, name: 'MALFORMED' } as const);
    refusals.note('http', name, sourceOf(socket));
    if (socket.writable) {
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    setTimeout(() => socket.destroy(), ANSWER_MS).unref();
  });
}

const FAULTS: Readonly<
  Record<string, { readonly status: number; readonly name: 'HEADERS_TOO_LARGE' | 'TOO_SLOW' } | undefined>
> = {
  HPE_HEADER_OVERFLOW: { status: 431, name: 'HEADERS_TOO_LARGE' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, name: 'TOO_SLOW' },
};

function sourceOf({ remoteAddress }: Socket): string {
  return plainAddress(remoteAddress ?? '');
}
