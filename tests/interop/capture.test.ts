/** What is on the cable, as Wireshark's own dissector reads it with the private keys. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../lab/process.ts';
import { waitFor } from '../lab/wait.ts';
import { DATA_PATHS, newestPeer, ours } from './lib/implementations.ts';
import { INNER, OUTER, type Pair, withPair } from './lib/pair.ts';
import { nodeTool } from './lib/tools.ts';
import { assertPing, assertTransfer } from './lib/traffic.ts';

const FIELDS = [
  'wg.type',
  'udp.length',
  'wg.reserved',
  'wg.counter',
  'wg.static',
  'wg.timestamp.nanoseconds',
  'wg.receiver_pubkey',
  'ip.dsfield.dscp',
  '_ws.malformed',
  '_ws.expert',
] as const;
const UDP_HEADER_BYTES = 8;
const TRANSPORT_OVERHEAD_BYTES = 32;
const MTU = 1420;

/** Captures UDP on the cable while something happens, and returns the file. */
async function capture({ lab, left, right }: Pair, action: () => Promise<void>): Promise<string> {
  const file = join(lab.directory, 'capture.pcap');
  // so that what the kernel is handed in one piece is cut before it is captured, as on a real cable
  for (const { host } of [left, right]) await host.run('ip link set eth0 gso_max_segs 1');
  const tcpdump = left.host.spawn(['tcpdump', '-i', 'eth0', '-U', '-w', file, '--immediate-mode', 'udp']);
  const output = (): string => tcpdump.output();
  await waitFor('tcpdump', () => output().includes('listening on'), 5000, output);
  await action();
  await tcpdump.stop('SIGINT');
  return file;
}

/** What the dissector reads out of a capture with the keys of a file: a row for each packet. */
async function dissect<Field extends string>(
  file: string,
  keyFile: string,
  fields: readonly Field[],
): Promise<Readonly<Record<Field, string>>[]> {
  const columns = fields.flatMap((field) => ['-e', field]);
  const words = ['-r', file, '-d', 'udp.port==51820,wg', '-o', `wg.keylog_file:${keyFile}`, '-T', 'fields', ...columns];
  const { stdout } = await run([], ['tshark', ...words]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? ''])) as Record<Field, string>;
  });
}

/** A file with the static private keys of both sides. */
function writeStaticKeys({ lab, left, right }: Pair): string {
  const file = join(lab.directory, 'keys');
  const lines = [left, right].map(({ keys: { privateKey } }) => `LOCAL_STATIC_PRIVATE_KEY = ${privateKey}\n`);
  writeFileSync(file, lines.join(''));
  return file;
}

for (const path of DATA_PATHS) {
  for (const initiator of ['ours', 'theirs']) {
    test(`every packet is well formed and the handshake opens with the keys: ${path}, ${initiator} starts`, async () => {
      const [left, right] = initiator === 'ours' ? [ours(path), newestPeer()] : [newestPeer(), ours(path)];
      await withPair({ left, right }, async (pair) => {
        const file = await capture(pair, async () => {
          await assertPing(pair.left.host, INNER[4].right, { count: 5 });
          await assertTransfer(pair.left.host, pair.right.host, INNER[4].right, 200_000);
        });
        const rows = await dissect(file, writeStaticKeys(pair), FIELDS);
        // 147 segments, ten pings and the handshake; how many acknowledgements there are is the kernel's affair.
        assert.ok(rows.length > 150, `${rows.length} packets`);
        for (const row of rows) {
          assert.is(row['_ws.malformed'], '', JSON.stringify(row));
          assert.is(row['_ws.expert'], '', JSON.stringify(row));
          assert.match(row['wg.type'], /^[1-4]$/);
          assert.is(Number(row['wg.reserved']), 0);
        }
        const [initiation, response, ...data] = rows;
        assert.is(initiation?.['wg.type'], '1');
        assert.is(initiation?.['wg.static'], pair.left.keys.publicKey, 'who starts, out of the sealed part');
        assert.is(initiation?.['wg.receiver_pubkey'], pair.right.keys.publicKey, 'the first MAC names the receiver');
        assert.is(Number(initiation?.['wg.timestamp.nanoseconds']) % 2 ** 24, 0, 'the stamp is whitened');
        assert.is(response?.['wg.type'], '2');
        assert.is(response?.['wg.receiver_pubkey'], pair.left.keys.publicKey);
        for (const row of data) {
          const inner = Number(row['udp.length']) - UDP_HEADER_BYTES - TRANSPORT_OVERHEAD_BYTES;
          assert.ok(inner % 16 === 0 || inner === MTU, `${inner} bytes: padded to sixteen, but not past the MTU`);
        }
      });
    });
  }
}

for (const path of DATA_PATHS) {
  test(`with every key, handshake and packets open to the last byte: ${path}`, async () => {
    await withPair({ left: newestPeer(), right: ours(path), endpoints: 'neither' }, async (pair) => {
      const { left, right } = pair;
      await left.stop();
      const keyFile = writeStaticKeys(pair);
      const file = await capture(pair, async () => {
        const words = [left.keys.privateKey, right.keys.publicKey, OUTER[4].right, `${right.port}`, '40000'];
        const peer = left.host.spawn([...nodeTool('keyed-peer'), ...words, INNER[4].left, INNER[4].right, keyFile]);
        await waitFor(
          'an answer',
          () => peer.output().includes('answered'),
          5000,
          () => peer.output(),
        );
        await peer.stop('SIGKILL');
      });
      const rows = await dissect(file, keyFile, [
        'wg.type',
        'wg.handshake_ok',
        'wg.decryption_error',
        'wg.counter',
        'icmp.type',
        'icmp.checksum.status',
        'ip.src',
        '_ws.malformed',
      ]);
      assert.equal(
        rows.map((row) => [row['wg.type'], row['icmp.type'], row['_ws.malformed'], row['wg.decryption_error']]),
        [
          ['1', '', '', ''],
          ['2', '', '', ''],
          ['4', '8', '', ''],
          ['4', '0', '', ''],
        ],
      );
      assert.is(rows[1]?.['wg.handshake_ok'], '1', 'the sealed nothing of the response opens');
      assert.equal(
        rows.slice(2).map((row) => row['wg.counter']),
        ['0', '0'],
      );
      assert.is(rows[3]?.['ip.src'], `${OUTER[4].right},${INNER[4].right}`);
      assert.is(rows[3]?.['icmp.checksum.status'], '1');
    });
  });
}

test.run();
