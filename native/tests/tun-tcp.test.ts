import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { innerPacketLength } from '@pcloud/ip';
import { createBatch, DATAGRAM, FRAME, LAYOUT } from '@pcloud/wireguard';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHost, type Host } from '../../tests/lab/host.ts';
import { waitFor } from '../../tests/lab/wait.ts';
import type { Plane } from '../index.ts';
import { addon, withPlanes } from './addon.ts';
import { aim } from './batches.ts';
import { isolate } from './isolate.ts';
import { openTun } from './tuns.ts';

isolate();
addon.linkSet('lo', { up: true });

/** Listens at port 5000 and answers with the hash of what came. */
const SERVER = `require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
  const hash = require('node:crypto').createHash('sha256');
  socket.on('data', (chunk) => hash.update(chunk)).on('end', () => socket.end(hash.digest('hex')));
}).listen(5000, '::', () => console.log('ready'));`;

interface Pumped {
  /** GSO types of the super-packets that came from the TUN. */
  readonly kinds: Set<number>;
  /** Packets that were given to the TUN. */
  delivered: number;
}

/** Does what a device does, with one key and one peer. */
function pump(plane: Plane): Pumped {
  const { bytes, frames, datagrams } = createBatch(plane.slab);
  const pumped: Pumped = { kinds: new Set(), delivered: 0 };
  let counter = 0;
  plane.installKey(0, new Uint8Array(32).fill(3));
  plane.listen({
    tun() {
      const count = plane.tunReceive();
      for (let at = 0; at < count * FRAME.WORDS; at += FRAME.WORDS) {
        if (frames[at + FRAME.SEGMENTS]! > 1) pumped.kinds.add(frames[at + FRAME.GSO_TYPE]!);
        frames[at + FRAME.KEY] = 0;
        frames[at + FRAME.COUNTER_LOW] = counter;
        frames[at + FRAME.ENDPOINT] = LAYOUT.PEER_ENDPOINTS;
        counter += frames[at + FRAME.SEGMENTS]!;
      }
      plane.sealAndSend(count);
    },
    udp() {
      const count = plane.udpReceive();
      for (let at = 0; at < count * DATAGRAM.WORDS; at += DATAGRAM.WORDS) datagrams[at + DATAGRAM.KEY] = 0;
      plane.open(count);
      for (let at = 0; at < count * DATAGRAM.WORDS; at += DATAGRAM.WORDS) {
        const inner = innerPacketLength(bytes, datagrams[at + DATAGRAM.OFFSET]! + 16, datagrams[at + DATAGRAM.OPENED]!);
        datagrams[at + DATAGRAM.DELIVER] = inner;
        pumped.delivered++;
      }
      plane.tunSend(count);
    },
    closed() {},
  });
  return pumped;
}

/** Opens the TUN of the other end and moves it into the network of another host. */
async function openThere(plane: Plane, host: Host): Promise<void> {
  plane.openTun('far0', { offload: true });
  execFileSync('ip', ['link', 'set', 'far0', 'netns', `${host.pid}`]);
  await host.run(
    'ip address add 10.9.0.2/24 dev far0 && ip address add fd09::2/64 dev far0 nodad && ip link set far0 up',
  );
}

/** Sends all of it and gives the answer. */
async function exchange(address: string, bytes: Uint8Array): Promise<string> {
  const socket = connect(5000, address).end(bytes);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}

for (const [family, address, kind] of [
  [4, '10.9.0.2', 1],
  [6, 'fd09::2', 4],
] as const) {
  test(`TCP over IPv${family} comes as super-packets, and arrives whole in fewer writes than packets`, async () => {
    const host = await createHost('far');
    try {
      await withPlanes(async (near, far) => {
        openTun(near, { offload: true });
        await openThere(far, host);
        const ports = [near.bind(0, 0), far.bind(0, 0)] as const;
        aim(near, ports[1]);
        aim(far, ports[0]);
        const [sent, received] = [pump(near), pump(far)];
        const server = host.spawn([process.execPath, '-e', SERVER]);
        await waitFor(
          'the server',
          () => server.stdout().includes('ready'),
          5000,
          () => server.output(),
        );
        const bytes = Uint8Array.from({ length: 4 << 20 }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
        assert.is(await exchange(address, bytes), createHash('sha256').update(bytes).digest('hex'));
        assert.ok(sent.kinds.has(kind));
        const given = Number(/far0: *\d+ +(\d+)/.exec((await host.run('cat /proc/net/dev')).stdout)![1]);
        assert.ok(given * 2 < received.delivered, `${given} writes for ${received.delivered} packets`);
        assert.equal([near.takeFaults(), far.takeFaults()], [[], []]);
      });
    } finally {
      await host.close();
    }
  });
}

test.run();
