/** A disk that is full: nothing is half done, what runs goes on, and all goes on by itself once there is space. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Host, waitFor, waitForPing } from '../lab/index.ts';
import { startConversation } from './lib/conversation.ts';
import { PCLOUD, status, up } from './lib/network.ts';
import type { Service } from './lib/service.ts';
import { addDevice, invite, withStations } from './lib/stations.ts';

const BACK_LIMIT_MS = 45_000;
/** A join is tried for 15 s before it is given up. */
const JOIN_LIMIT_MS = 40_000;
const STATE = '/run/pcloud/state';
/** A store takes back what it wrote in part; until then it may find room in what it has. */
const MOST_INVITES = 60;

/** Gives the state of a host a disk of its own. */
async function setDisk(host: Host, sizeMb: number): Promise<void> {
  await host.run(`mkdir -p ${STATE} && mount -t tmpfs -o size=${sizeMb}m,mode=700 tmpfs ${STATE}`);
}

async function fill(host: Host): Promise<void> {
  await host.run(`cat /dev/zero >${STATE}/ballast 2>/dev/null || true; df ${STATE} | grep -q 100%`);
}

async function empty(host: Host): Promise<void> {
  await host.run(`rm ${STATE}/ballast`);
}

async function nodesOf(seed: Host): Promise<string[]> {
  const { stdout } = await seed.run([PCLOUD, 'nodes', 'list', '--json']);
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort();
}

/** Makes links until the store has used up what room it had left, and returns what the last one was told. */
async function inviteInVain(seed: Host): Promise<{ code: number; stderr: string }> {
  for (let invites = 0; invites < MOST_INVITES; invites++) {
    const answer = await seed.run([PCLOUD, 'invite'], { check: false });
    if (answer.code !== 0) return answer;
  }
  throw new Error('the disk does not fill');
}

/** Whether a start after so many has said that the disk is full. */
function saysWhy(service: Service, starts: number): boolean {
  return (
    service.starts > starts + 1 && /no space left|ENOSPC/i.test(service.output().split(`--- start ${starts + 1}`)[1]!)
  );
}

test('on a full disk a coordinator says so to who joins, keeps no half of it, and lets him in once there is space', () =>
  withStations({ prepare: ({ seed }) => setDisk(seed, 24) }, async (stations) => {
    const { seed, first, second, whole, output } = stations;
    const third = await addDevice(stations, 'third');
    const link = await invite(seed.host);
    const before = await nodesOf(seed.host);
    const conversation = await startConversation(first.host, second.host, second.addresses[0]!);

    await fill(seed.host);
    const asRoot = await inviteInVain(seed.host);
    assert.is(asRoot.code, 1, asRoot.stderr);
    assert.match(asRoot.stderr, 'the disk of the server is full');
    const refused = await third.run([PCLOUD, 'up', link], { check: false, timeoutMs: JOIN_LIMIT_MS });
    assert.is(refused.code, 3, `${refused.stderr}\n${output()}`);
    assert.match(refused.stderr, /TRY_LATER.*the disk of the server is full/);
    assert.match((await third.run(`ls ${STATE}; ip -o link`)).stdout, /^(?!.*(membership|pcloud0))/s);
    assert.equal(await nodesOf(seed.host), before);
    await conversation.goesOn(BACK_LIMIT_MS);
    await first.service.signal('SIGKILL');
    await whole(BACK_LIMIT_MS);
    const { starts } = seed.service;
    await seed.service.signal('SIGKILL');
    await waitFor('it to say why it does not start', () => saysWhy(seed.service, starts), BACK_LIMIT_MS, output);
    await conversation.goesOn(BACK_LIMIT_MS);

    await empty(seed.host);
    await whole(BACK_LIMIT_MS);
    assert.is((await up(third, link)).name, 'third');
    await waitForPing(third, first.addresses[0]!, BACK_LIMIT_MS);
    assert.equal(await nodesOf(seed.host), [...before, 'third'].sort());
  }));

test('a client on a full disk goes on, comes back after a kill, and keeps what is new once there is space', () =>
  withStations({ prepare: ({ clients }) => setDisk(clients[0]!, 2) }, async (stations) => {
    const { seed, first, whole, output } = stations;
    const conversation = await startConversation(seed.host, first.host, first.addresses[0]!);
    await fill(first.host);
    const third = await addDevice(stations, 'third');
    await up(third, await invite(seed.host));
    await waitForPing(first.host, '10.0.0.4', BACK_LIMIT_MS);
    await first.service.signal('SIGKILL');
    await conversation.goesOn(BACK_LIMIT_MS);
    await waitForPing(first.host, '10.0.0.4', BACK_LIMIT_MS);
    assert.match(first.service.output(), /cannot be kept.*(ENOSPC|space)/, output());

    await empty(first.host);
    await seed.host.run([PCLOUD, 'nodes', 'rename', 'third', 'fourth']);
    const kept = (): boolean => first.host.read(`${STATE}/map.json`).includes('"fourth"');
    await waitFor('the map on disk', kept, BACK_LIMIT_MS, output);
    await third.run([PCLOUD, 'down']);
    await seed.host.run([PCLOUD, 'nodes', 'remove', 'fourth']);
    await whole(BACK_LIMIT_MS);
    assert.is((await status(first.host)).self.name, 'first');
  }));

test.run();
