import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_BODY_BYTES } from '../src/http/body.ts';
import { askCoordinator } from '../src/http/index.ts';
import { expectCode } from './expect-code.ts';
import { createEchoControl, createHttpRig, type Service, startService } from './http-rig.ts';

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : plainRequest;
    const asking = send(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

async function withService(
  run: (service: Service, rig: Awaited<ReturnType<typeof createHttpRig>>) => Promise<void>,
  options: Parameters<typeof startService>[2] = {},
): Promise<void> {
  const rig = await createHttpRig();
  const service = await startService(rig, createEchoControl(), options);
  try {
    await run(service, rig);
  } finally {
    await service.close();
  }
}

test('health is told on every listener, by any name', () =>
  withService(async ({ service }) => {
    for (const url of [`https://127.0.0.1:${service.ports[0]}`, `http://127.0.0.1:${service.consolePort}`]) {
      const { status, text } = await ask(`${url}/healthz`, { host: 'elsewhere.example' });
      assert.equal([status, text], [200, '{"status":"ok"}']);
    }
  }));

test('the socket is the owner’s alone, and asks as root', () =>
  withService(async ({ runtimeDir }) => {
    assert.is(statSync(join(runtimeDir, 'coordinator.sock')).mode & 0o777, 0o600);
    const password = 'a password of many words';
    await askCoordinator(runtimeDir, 'users.add', { name: 'ann', role: 'owner', password });
    const users = (await askCoordinator(runtimeDir, 'users.list', {})) as { name: string }[];
    assert.equal(
      users.map(({ name }) => name),
      ['ann'],
    );
    const error = await expectCode(askCoordinator(runtimeDir, 'users.remove', { user: 'bob' }), 'USER_UNKNOWN');
    assert.match(error.message, 'bob');
    await expectCode(askCoordinator(runtimeDir, '../../healthz', {}), 'OPERATION_UNKNOWN');
  }));

test('who asks a coordinator that does not run is told so', async () => {
  await expectCode(askCoordinator('/nonexistent', 'users.list', {}), 'NOT_RUNNING');
});

test('the socket of a process that is no more is taken over, one that answers is not', () =>
  withService(async ({ runtimeDir }, rig) => {
    await expectCode(startService(rig, createEchoControl(), { runtimeDir }), 'ALREADY_RUNNING');
    assert.is(Array.isArray(await askCoordinator(runtimeDir, 'users.list', {})), true);
    const stale = join(runtimeDir, 'stale');
    mkdirSync(stale);
    writeFileSync(join(stale, 'coordinator.sock'), '');
    const second = await startService(rig, createEchoControl(), { runtimeDir: stale });
    assert.equal(await askCoordinator(stale, 'users.list', {}), []);
    await second.close();
  }));

test('a port that is taken is named, and nothing stays open', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const rig = await createHttpRig();
  const listen = [{ address: '127.0.0.1', port }];
  const error = await expectCode(startService(rig, createEchoControl(), { listen }), 'LISTEN_FAILED');
  assert.match(error.message, `127.0.0.1 port ${port}`);
  taken.close();
});

test('what comes through a proxy sees no page under a certificate of one’s own', () =>
  withService(async ({ service }) => {
    for (const url of [`https://127.0.0.1:${service.ports[0]}`, `http://127.0.0.1:${service.consolePort}`]) {
      const refused = await ask(`${url}/sign-in`, { 'x-forwarded-for': '203.0.113.5' });
      assert.is(refused.status, 403);
      assert.match(refused.text, 'open only inside the network');
      assert.is((await ask(`${url}/api/v1/users.list`, { via: '1.1 proxy' }, 'POST')).status, 403);
      assert.is((await ask(`${url}/sign-in`)).status, 200);
    }
    assert.is(service.isPublic, false);
  }));

test('under a trusted certificate pages answer outside, by TLS alone', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcloud-files-'));
  const pair = await generate([{ name: 'commonName', value: 'cloud.example' }], { keyType: 'ec', algorithm: 'sha256' });
  const files = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
  writeFileSync(files.certificate, pair.cert);
  writeFileSync(files.key, pair.private);
  await withService(
    async ({ service }) => {
      const forwarded = { 'x-forwarded-for': '203.0.113.5', host: 'cloud.example:8443' };
      assert.is((await ask(`https://127.0.0.1:${service.ports[0]}/sign-in`, forwarded)).status, 200);
      assert.is((await ask(`http://127.0.0.1:${service.consolePort}/sign-in`, forwarded)).status, 403);
    },
    { tls: { kind: 'files', ...files } },
  );
  rmSync(directory, { recursive: true });
});

test('the console opens on addresses of the tunnel once they are there, and twice is once', () =>
  withService(async ({ service }) => {
    const url = `http://127.0.0.2:${service.consolePort}/sign-in`;
    assert.is(
      await ask(url).then(
        () => 'open',
        (error) => error.code,
      ),
      'ECONNREFUSED',
    );
    await service.listenOnMesh(['127.0.0.2']);
    await service.listenOnMesh(['127.0.0.2']);
    assert.is((await ask(url)).status, 200);
    await expectCode(service.listenOnMesh(['192.0.2.77']), 'LISTEN_FAILED');
  }));

test('a body that is too long is refused while it comes, whatever length it claims', () =>
  withService(async ({ service }) => {
    const status = await new Promise((resolve, reject) => {
      const options = { port: service.consolePort, path: '/sign-in', method: 'POST', agent: false };
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const asking = plainRequest({ ...options, headers }, (response) => {
        resolve(response.statusCode);
        asking.destroy();
      });
      asking.on('error', reject);
      // One byte more than is taken, and no end: what is still on its way when a server closes makes a reset of its answer.
      asking.write('x'.repeat(MAX_BODY_BYTES + 1));
    });
    assert.is(status, 413);
  }));

test.run();
