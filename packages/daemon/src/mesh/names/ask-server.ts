import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { AskServer } from './ask-servers.ts';
import { createFrameReader, writeFrame } from './tcp-frames.ts';

/**
 * Asks a server of the machine. Each question has a socket and with it a port of its own, which who wants to
 * answer in the server's place would have to guess, and which takes nothing from anybody else.
 * @param port 53 but in tests
 */
export function createAskServer(port = 53): AskServer {
  return (server, question, { transport, accepts, signal }) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const open = transport === 'udp' ? askUdp : askTcp;
      const close = open(server, port, question, {
        take(answer) {
          if (!accepts(answer)) return;
          end();
          resolve(answer);
        },
        fail(error) {
          end();
          reject(error);
        },
      });
      const abort = (): void => {
        end();
        reject(signal.reason);
      };
      const end = (): void => {
        signal.removeEventListener('abort', abort);
        close();
      };
      signal.addEventListener('abort', abort, { once: true });
    });
}

interface Callbacks {
  take(answer: Uint8Array): void;
  fail(error: Error): void;
}

type Ask = (server: string, port: number, question: Uint8Array, callbacks: Callbacks) => () => void;

const askUdp: Ask = (server, port, question, { take, fail }) => {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  let isClosed = false;
  socket.on('error', (error) => isClosed || fail(error));
  socket.on('message', (message) => isClosed || take(message));
  socket.connect(port, server, () => {
    if (!isClosed) socket.send(question, (error) => error && !isClosed && fail(error));
  });
  return () => {
    if (isClosed) return;
    isClosed = true;
    socket.close();
  };
};

const askTcp: Ask = (server, port, question, { take, fail }) => {
  const socket = connect(port, server, () => socket.write(writeFrame(question)));
  const read = createFrameReader(take);
  let isClosed = false;
  const end = (error: Error): void => {
    if (!isClosed) fail(error);
  };
  socket.on('data', (chunk) => isClosed || read(chunk));
  socket.on('error', end);
  socket.on('close', () => end(new Error('the server closed the connection')));
  return () => {
    isClosed = true;
    socket.destroy();
  };
};
