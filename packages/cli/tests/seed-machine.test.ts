import type { NetworkInterfaceInfo } from 'node:os';
import { formatPrefix, parsePrefix } from '@pcloud/ip';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CliError } from '../src/exit.ts';
import { chooseNetwork } from '../src/seed/choose-network.ts';
import { ownUrls, rangesInUse } from '../src/seed/machine.ts';
import { formatWelcome } from '../src/texts/welcome.ts';

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0102A8C0	0003	0	0	0	00000000	0	0	0
eth0	00004D0A	0102A8C0	0003	0	0	0	0000FFFF	0	0	0
pcloud0	0000000A	00000000	0001	0	0	0	0000FFFF	0	0	0
`;

function info(address: string, length: number, more: Partial<NetworkInterfaceInfo> = {}): NetworkInterfaceInfo {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  const base = { address, cidr: `${address}/${length}`, mac: '', netmask: '', internal: false, family };
  return { ...base, ...(family === 'IPv6' ? { scopeid: 0 } : {}), ...more } as NetworkInterfaceInfo;
}

const INTERFACES = {
  lo: [info('127.0.0.1', 8, { internal: true }), info('::1', 128, { internal: true })],
  docker0: [info('172.17.0.1', 16)],
  eth0: [
    info('fe80::1', 64, { scopeid: 2 } as Partial<NetworkInterfaceInfo>),
    info('2001:db8::1', 64),
    info('192.168.2.10', 24),
  ],
  pcloud0: [info('10.0.0.1', 32)],
};

test('ranges of interfaces and routes are in use, but for the own interface and the default route', () => {
  const ranges = rangesInUse('pcloud0', INTERFACES, ROUTES).map(formatPrefix);
  assert.equal(ranges, ['172.17.0.0/16', '192.168.2.0/24', '10.77.0.0/16']);
});

test('addresses of the machine are its URLs: IPv4 first, bridges of containers last, none of the tunnel', () => {
  assert.equal(ownUrls(8_443, 'pcloud0', INTERFACES), [
    'https://192.168.2.10:8443',
    'https://[2001:db8::1]:8443',
    'https://172.17.0.1:8443',
  ]);
  assert.equal(ownUrls(443, 'pcloud0', { eth0: [info('192.0.2.1', 24)] }), ['https://192.0.2.1']);
});

test('a machine with no address has itself, and one with many as many as a link holds', () => {
  assert.equal(ownUrls(8_443, 'pcloud0', {}), ['https://127.0.0.1:8443']);
  const many = Array.from({ length: 20 }, (_, index) => info(`192.0.2.${index + 1}`, 24));
  assert.is(ownUrls(8_443, 'pcloud0', { eth0: many }).length, 8);
});

const prefixes = (...texts: string[]) => texts.map((text) => parsePrefix(text)!);

test('the default network is taken where it overlaps nothing', async () => {
  const { prefix, remark } = await chooseNetwork(undefined, prefixes('192.168.2.0/24'));
  assert.is(formatPrefix(prefix), '10.0.0.0/16');
  assert.is(remark, undefined);
});

test('else the first free of the list, and it says so', async () => {
  const { prefix, remark } = await chooseNetwork(undefined, prefixes('10.0.0.0/24', '10.77.3.0/24'));
  assert.is(formatPrefix(prefix), '10.99.0.0/16');
  assert.is(remark, '10.0.0.0/16 overlaps 10.0.0.0/24 of this machine; the network is 10.99.0.0/16 instead.');
});

test('what was asked for decides, with a warning where it overlaps', async () => {
  const [wanted] = prefixes('10.0.0.0/16');
  const { prefix, remark } = await chooseNetwork(wanted, prefixes('10.0.0.0/24'));
  assert.is(formatPrefix(prefix), '10.0.0.0/16');
  assert.match(remark!, /^10\.0\.0\.0\/16 overlaps 10\.0\.0\.0\/24 of this machine, which goes first/);
});

test('class 21: a range that is others’ on the internet is refused with those that are nobody’s', async () => {
  for (const range of ['8.0.0.0/8', '172.32.0.0/16', '192.0.2.0/24']) {
    const failure = await chooseNetwork(prefixes(range)[0], []).catch((error: unknown) => error);
    assert.instance(failure, CliError);
    assert.match((failure as Error).message, 'choose one in 10.0.0.0/8');
  }
});

test('where nothing is free it says what to do', async () => {
  try {
    await chooseNetwork(undefined, prefixes('0.0.0.0/1', '128.0.0.0/1'));
  } catch (error) {
    assert.instance(error, CliError);
    assert.match((error as Error).message, /choose one with --network$/);
    return;
  }
  assert.unreachable();
});

const FACTS = {
  name: 'server1',
  addresses: ['10.0.0.1', 'fd00::1'],
  networkId: 'abc',
  urls: ['https://192.0.2.10:8443'],
  remark: undefined,
  isRootHere: false,
  isOwned: false,
};
const LINKS = { adminUrl: 'http://10.0.0.1:8444/setup/secret', joinLink: 'https://192.0.2.10:8443/join#v=1' };

test('a seed that is ready prints the admin link and a command that joins', () => {
  const text = formatWelcome({ ...FACTS, links: LINKS }, undefined);
  assert.match(text, LINKS.adminUrl);
  assert.match(text, `pcloud up '${LINKS.joinLink}'`);
});

test('a seed that has an owner says nothing of a first account', () => {
  const links = { ...LINKS, adminUrl: undefined };
  assert.not.match(formatWelcome({ ...FACTS, isOwned: true, links }, undefined), 'account');
  assert.not.match(formatWelcome({ ...FACTS, isOwned: true }, undefined), 'account');
});

test('a seed that has the root of its network on its disk says how to take it away', () => {
  assert.match(formatWelcome({ ...FACTS, isRootHere: true }, undefined), '"pcloud recovery take --words"');
  assert.not.match(formatWelcome(FACTS, undefined), 'recovery');
});

test('without links it says how the first account is made', () => {
  assert.match(formatWelcome(FACTS, undefined), 'pcloud users add --owner NAME');
});

test.run();
