/** Pebble, the ACME authority for tests, and a DNS server that gives every name this machine's loopback address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RECURSION_AVAILABLE, streamDecode, streamEncode } from 'dns-packet';
import { generate } from 'selfsigned';

export interface Pebble {
  readonly directoryUrl: string;
  /** What the directory's own certificate is signed by. */
  readonly caFile: string;
  /** Where it asks for challenges. */
  readonly challengePort: number;
  close(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../../../.cache/pebble/pebble', import.meta.url));

/** @param directory for its files */
export async function startPebble(directory: string): Promise<Pebble> {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there; scripts/test builds it, which takes Go`);
  const [port, managementPort, challengePort, tlsPort] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const path = (name: string): string => join(directory, name);
  writeFileSync(path('pebble.crt'), cert);
  writeFileSync(path('pebble.key'), key);
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: path('pebble.crt'),
    privateKey: path('pebble.key'),
    httpPort: challengePort,
    tlsPort,
    retryAfter: { authz: 1, order: 1 },
    keyAlgorithm: 'ecdsa',
    profiles: { default: { description: 'ninety days', validityPeriod: 90 * 86_400 } },
  };
  writeFileSync(path('pebble.json'), JSON.stringify({ pebble }));
  const names = await startNames();
  const dns = `127.0.0.1:${(names.address() as AddressInfo).port}`;
  const child = spawn(PROGRAM, ['-config', path('pebble.json'), '-dnsserver', dns], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await untilListening(child);
  return {
    directoryUrl: `https://127.0.0.1:${port}/dir`,
    caFile: path('pebble.crt'),
    challengePort,
    async close() {
      names.close();
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** Over TCP, which is how Pebble asks. */
async function startNames(): Promise<Server> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const { id, questions = [] } = streamDecode(received.subarray(0, end));
        const answers = questions
          .filter(({ type }) => type === 'A')
          .map(({ name }) => ({ type: 'A' as const, name, ttl: 1, data: '127.0.0.1' }));
        socket.write(streamEncode({ type: 'response', id: id!, flags: RECURSION_AVAILABLE, questions, answers }));
        received = received.subarray(end);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Until it says where it listens. */
function untilListening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk;
      if (output.includes('ACME directory available at')) resolve();
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`pebble ended with ${code}: ${output}`)));
  });
}
