/** Where pages answer: inside the network always, outside only under a certificate that is trusted. */
import type { IncomingMessage } from 'node:http';
import { parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeConnection, isInside } from '../src/http/connection.ts';

const PROXIES = [parsePrefix('192.0.2.0/24')!];
const MESH = {
  prefixes: [parsePrefix('10.0.0.0/16')!, parsePrefix('fd00::/64')!],
  own: new Set(['10.0.0.1', 'fd00::1']),
};

function describe(localAddress: string, remoteAddress: string, headers: Record<string, string> = {}) {
  const request = { socket: { localAddress, remoteAddress }, headers } as unknown as IncomingMessage;
  return describeConnection(request, PROXIES);
}

const places: readonly [string, string, boolean][] = [
  ['127.0.0.1', '127.0.0.1', true],
  ['::1', '::1', true],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['10.0.0.1', '10.0.0.7', true],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.7', true],
  ['fd00::1', 'fd00::7', true],
  ['10.0.0.1', '10.0.0.1', true],
  ['192.168.1.2', '192.168.1.3', false],
  ['10.0.0.1', '192.168.1.3', false],
  ['10.0.0.9', '10.0.0.7', false],
  ['192.168.1.2', '10.0.0.7', false],
  ['127.0.0.1', '192.168.1.3', false],
  ['198.51.100.1', '127.0.0.1', false],
  ['', '', false],
];
for (const [local, remote, expected] of places) {
  test(`a connection from "${remote}" to "${local}" is ${expected ? 'inside' : 'outside'}`, () => {
    assert.is(isInside(describe(local, remote), MESH), expected);
  });
}

test('what a proxy on this machine passes on did not come from this machine', () => {
  for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via']) {
    assert.is(isInside(describe('127.0.0.1', '127.0.0.1', { [name]: 'x' }), MESH), false, name);
  }
  const proxies = [parsePrefix('127.0.0.1')!];
  const request = { socket: { localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' }, headers: {} };
  assert.is(isInside(describeConnection(request as unknown as IncomingMessage, proxies), MESH), false);
});

test('who asks is the peer, unless a trusted proxy names somebody', () => {
  const forwarded = { 'x-forwarded-for': '203.0.113.1, 203.0.113.2' };
  assert.is(describe('10.0.0.1', '198.51.100.1', forwarded).source, '198.51.100.1');
  assert.is(describe('10.0.0.1', '192.0.2.9', forwarded).source, '203.0.113.2');
  assert.is(describe('10.0.0.1', '::ffff:192.0.2.9', forwarded).source, '203.0.113.2');
  assert.is(describe('10.0.0.1', '192.0.2.9', { 'x-forwarded-for': 'fe80::1, evil' }).source, '192.0.2.9');
  assert.is(describe('fe80::1%eth0', 'fe80::2%eth0').source, 'fe80::2');
});

test.run();
