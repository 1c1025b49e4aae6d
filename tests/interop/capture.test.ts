/** What is on the cable, as Wireshark's own dissector reads it with the private keys. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../lab/process.ts';
import { waitFor } from '../lab/wait.ts';
import { DATA_PATHS, newestPeer, ours } from './lib/implementations.ts';
import { INNER, type Pair, withPair } from './lib/pair.ts';
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

type Row = Readonly<Record<(typeof FIELDS)[number], string>>;

/** Captures UDP on the cable while something happens, and returns a row for each packet. */
async function dissect({ lab, left, right }: Pair, action: () => Promise<void>): Promise<Row[]> {
  const file = join(lab.directory, 'capture.pcap');
  // so that what the kernel is handed in one piece is cut before it is captured, as on a real cable
  for (const { host } of [left, right]) await host.run('ip link set eth0 gso_max_segs 1');
  const tcpdump = left.host.spawn(['tcpdump', '-i', 'eth0', '-U', '-w', file, '--immediate-mode', 'udp']);
  await waitFor(
    'tcpdump',
    () => tcpdump.output().includes('listening on'),
    5000,
    () => tcpdump.output(),
  );
  await action();
  await tcpdump.stop('SIGINT');
  const keys = join(lab.directory, 'keys');
  const secrets = [left, right].map(({ keys: { privateKey } }) => `LOCAL_STATIC_PRIVATE_KEY = ${privateKey}\n`);
  writeFileSync(keys, secrets.join(''));
  const columns = FIELDS.flatMap((field) => ['-e', field]);
  const words = ['-r', file, '-d', 'udp.port==51820,wg', '-o', `wg.keylog_file:${keys}`, '-T', 'fields', ...columns];
  const { stdout } = await run([], ['tshark', ...words]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => Object.fromEntries(line.split('\t').map((value, index) => [FIELDS[index], value])) as Row);
}

for (const path of DATA_PATHS) {
  for (const initiator of ['ours', 'theirs']) {
    test(`every packet is well formed and the handshake opens with the keys: ${path}, ${initiator} starts`, async () => {
      const [left, right] = initiator === 'ours' ? [ours(path), newestPeer()] : [newestPeer(), ours(path)];
      await withPair({ left, right }, async (pair) => {
        const rows = await dissect(pair, async () => {
          await assertPing(pair.left.host, INNER[4].right, { count: 5 });
          await assertTransfer(pair.left.host, pair.right.host, INNER[4].right, 200_000);
        });
        assert.ok(rows.length > 200, `${rows.length} packets`);
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

test.run();
