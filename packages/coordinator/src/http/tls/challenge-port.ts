/** The port at which an authority asks for its challenges: http-01, RFC 8555 section 8.3. It is open only while it asks. */
import { createServer } from 'node:http';
import { CoordinatorError } from '../../errors.ts';

export interface ChallengePort {
  put(token: string, answer: string): void;
  remove(token: string): void;
  close(): Promise<void>;
}

const PREFIX = '/.well-known/acme-challenge/';

/** @throws CoordinatorError LISTEN_FAILED */
export async function openChallengePort(port: number): Promise<ChallengePort> {
  const answers = new Map<string, string>();
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    const url = request.url ?? '';
    const answer = url.startsWith(PREFIX) ? answers.get(url.slice(PREFIX.length)) : undefined;
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' });
    response.end(answer ?? '');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'something else listens there' : cause.message;
      reject(new CoordinatorError('LISTEN_FAILED', `port ${port}, where the authority asks: ${why}`, { cause }));
    });
    server.listen({ port }, resolve);
  });
  return {
    put: (token, answer) => void answers.set(token, answer),
    remove: (token) => void answers.delete(token),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
