/** A home whose LAN has the range of the network, and whose gateway the address of the seed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLab, ping, translate, waitFor, waitForPing } from '../lab/index.ts';
import { PCLOUD, startSeed, status, up } from './lib/network.ts';

const lab = createLab();
const [internet, gateway] = [await lab.router('internet'), await lab.router('gateway')];
const [seed, office, home, printer] = await Promise.all(
  ['seed', 'office', 'home', 'printer'].map((name) => lab.host(name)),
);
const outside = [seed!, office!, gateway];
for (const [index, host] of outside.entries()) {
  const net = ['192.0.2', '198.51.100', '203.0.113'][index]!;
  await lab.connect(
    { host, name: 'eth0', addresses: [`${net}.10/24`] },
    { host: internet, name: `eth${index}`, addresses: [`${net}.1/24`] },
  );
  await host.run(`ip route add default via ${net}.1`);
  host.write('/etc/resolv.conf', `nameserver ${net}.1\n`, 0o644);
}
await lab.lan('lan', [
  { host: gateway, name: 'lan0', addresses: ['10.0.0.1/24'] },
  { host: home!, name: 'eth0', addresses: ['10.0.0.50/24'] },
  { host: printer!, name: 'eth0', addresses: ['10.0.0.60/24'] },
]);
for (const host of [home!, printer!]) {
  await host.run('ip route add default via 10.0.0.1');
  host.write('/etc/resolv.conf', 'nameserver 10.0.0.1\n', 0o644);
}
await translate(gateway, { outside: 'eth0' });
const meshAddressOf = async (host: typeof seed): Promise<string> => (await status(host!)).self.addresses[1]!;

test('behind its gateway at 10.0.0.1 a device joins a network whose seed is 10.0.0.1', async () => {
  const { ready } = await startSeed({ seed: seed! });
  await up(office!, ready.joinLink);
  const { stdout } = await seed!.run([PCLOUD, 'invite']);
  await up(home!, stdout.trim());
  const { conflict } = JSON.parse((await home!.run([PCLOUD, 'status', '--json'])).stdout) as {
    conflict: { overlaps: string[]; unreachable: string[] };
  };
  assert.equal(conflict.overlaps, ['10.0.0.0/24']);
  assert.equal(conflict.unreachable, ['10.0.0.1']);
});

test('status names the conflict in words', async () => {
  const { stdout } = await home!.run([PCLOUD, 'status']);
  assert.match(stdout, /10\.0\.0\.0\/16 overlaps 10\.0\.0\.0\/24/);
});

test('gateway, LAN and the internet stay what they were', async () => {
  assert.match((await home!.run('ip route get 10.0.0.1')).stdout, 'dev eth0');
  for (const address of ['10.0.0.1', '10.0.0.60', '192.0.2.10']) {
    assert.is((await ping(home!, address)).received, 1, address);
  }
});

test('other nodes are reached by IPv4, and all by IPv6, from both ends', async () => {
  await waitForPing(home!, '10.0.0.2');
  await waitForPing(office!, '10.0.0.3');
  for (const node of [seed!, office!]) {
    await waitForPing(home!, await meshAddressOf(node));
    await waitForPing(node, await meshAddressOf(home));
  }
});

test('two devices of that home find each other on their LAN', async () => {
  await up(printer!, (await seed!.run([PCLOUD, 'invite'])).stdout.trim());
  await waitForPing(printer!, '10.0.0.3');
  await waitForPing(home!, await meshAddressOf(printer));
  const found = (await status(home!)).peers.find(({ name }) => name === 'printer');
  assert.match(found!.endpoint!, /^10\.0\.0\.60:/);
});

test('the seed is reached by its name', async () => {
  assert.is((await ping(home!, 'seed.pcloud')).received, 1);
  const { stdout } = await home!.run('ping -6 -c 1 -W 2 seed.pcloud');
  assert.match(stdout, '1 received');
});

test('once the LAN has another range, IPv4 reaches everybody too', async () => {
  await printer!.run([PCLOUD, 'logout']);
  await home!.run('ip address flush dev eth0 && ip address add 192.168.7.50/24 dev eth0');
  await gateway.run('ip address flush dev lan0 && ip address add 192.168.7.1/24 dev lan0');
  await home!.run('ip route replace default via 192.168.7.1');
  await waitForPing(home!, '10.0.0.1', 20_000);
  await waitForPing(home!, '10.0.0.2', 20_000);
  const isSettled = async () => (await home!.run([PCLOUD, 'status', '--json'])).stdout.includes('"conflict":null');
  await waitFor('the conflict to be over', isSettled);
});

test.after(() => lab.close());
test.run();
