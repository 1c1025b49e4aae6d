import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JoinLink, parseJoinLink } from '@pcloud/netmap';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startCoordinator } from '../src/coordinator.ts';
import { silentLogger } from '../src/log.ts';
import { loopbackOptions } from '../src/testing/loopback-options.ts';

const PUBLIC_URL = 'https://192.0.2.1:8443';
const FURTHER_URL = 'https://192.0.2.1';

async function occupy(port = 0): Promise<Server> {
  const server = createServer((socket) => socket.end('somebody else\n')).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = await occupy();
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function withPlace(act: (directory: string, port: number) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-port-'));
  try {
    await act(directory, await freePort());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function start(directory: string, port: number, events: unknown[] = [], publicUrls: readonly string[] = [PUBLIC_URL]) {
  const listen = [
    { address: '127.0.0.1', port: 0 },
    { address: '127.0.0.1', port, optionalUrls: [FURTHER_URL] },
  ];
  return startCoordinator(
    { ...loopbackOptions(directory), listen, publicUrls },
    { log: { ...silentLogger, info: (fields, event) => void events.push({ event, ...fields }) } },
  );
}

async function linkUrls(coordinator: Awaited<ReturnType<typeof start>>): Promise<readonly string[]> {
  return (parseJoinLink(await coordinator.createJoinLink({})) as JoinLink).urls;
}

function health(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, agent: false };
    request(options, (response) => resolve(response.resume().statusCode!))
      .on('error', reject)
      .end();
  });
}

test('a further port that is free answers, and links carry its URL behind the others', () =>
  withPlace(async (directory, port) => {
    const coordinator = await start(directory, port);
    assert.is(await health(port), 200);
    assert.equal(coordinator.urls, [PUBLIC_URL, FURTHER_URL]);
    assert.equal(await linkUrls(coordinator), [PUBLIC_URL, FURTHER_URL]);
    await coordinator.close();
    const other = await occupy(port);
    other.close();
  }));

test('one that somebody else has is left to them, with a line in the log, and no link speaks of it', () =>
  withPlace(async (directory, port) => {
    const other = await occupy(port);
    const events: { event: string }[] = [];
    const coordinator = await start(directory, port, events);
    assert.equal(await linkUrls(coordinator), [PUBLIC_URL]);
    const lines = events.filter(({ event }) => event === 'a port is left to others');
    assert.equal(lines, [{ event: 'a port is left to others', address: '127.0.0.1', port, code: 'EADDRINUSE' }]);
    await coordinator.close();
    other.close();
  }));

test('a restart goes on without it, or has it again, whoever had it meanwhile', () =>
  withPlace(async (directory, port) => {
    const first = await start(directory, port);
    await first.close();
    const other = await occupy(port);
    const second = await start(directory, port);
    assert.is(second.networkId, first.networkId);
    assert.equal(second.urls, [PUBLIC_URL]);
    await second.close();
    other.close();
    await once(other, 'close');
    const third = await start(directory, port);
    assert.equal(third.urls, [PUBLIC_URL, FURTHER_URL]);
    await third.close();
  }));

test('where a link has no room for all, the best stay', () =>
  withPlace(async (directory, port) => {
    const many = Array.from({ length: 8 }, (_, index) => `https://192.0.2.${index + 1}:8443`);
    const coordinator = await start(directory, port, [], many);
    assert.equal(await linkUrls(coordinator), [...many.slice(0, 7), FURTHER_URL]);
    await coordinator.close();
  }));

test.run();
