import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Route, RouteEvent } from '../index.ts';
import { addon, addonPath, codeOf } from './addon.ts';
import { isolate } from './isolate.ts';

isolate();

const V4 = Uint8Array.of(10, 8, 0, 1);
const V6 = Uint8Array.of(0xfd, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const NET4 = Uint8Array.of(10, 55, 0, 0);
const NET6 = Uint8Array.of(0xfd, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** A link of its own for a test, which is up; a cable with both ends here. */
function withLink(use: (name: string, index: number) => void): () => void {
  return () => {
    execFileSync('ip', 'link add eth0 type veth peer name eth1'.split(' '));
    try {
      for (const name of ['eth0', 'eth1']) addon.linkSet(name, { up: true });
      use('eth0', addon.linkInfo('eth0')!.index);
    } finally {
      if (addon.linkInfo('eth0')) addon.deleteLink('eth0');
    }
  };
}

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

/** The one route to a destination that is no local one. */
function routeTo(destination: Uint8Array, table = 254): RouteEvent | undefined {
  return addon.routeList({ table }).find((route) => Buffer.compare(route.destination, destination) === 0);
}

test(
  'a link tells its index, MTU and whether it is up; one that is not there is undefined',
  withLink((name, index) => {
    assert.equal(addon.linkInfo(name), { index, mtu: 1500, up: true });
    assert.match(ip('-o link show eth0'), new RegExp(`^${index}: eth0`));
    assert.is(addon.linkInfo('eth9'), undefined);
    assert.is(addon.linkInfo(''), undefined);
  }),
);

test(
  'MTU and up are set, each alone or both, and nothing where nothing is said',
  withLink((name, index) => {
    addon.linkSet(name, { mtu: 1280 });
    assert.equal(addon.linkInfo(name), { index, mtu: 1280, up: true });
    addon.linkSet(name, { up: false });
    assert.equal(addon.linkInfo(name), { index, mtu: 1280, up: false });
    addon.linkSet(name, { mtu: 9000, up: true });
    addon.linkSet(name, {});
    assert.equal(addon.linkInfo(name), { index, mtu: 9000, up: true });
  }),
);

test(
  'a link that is deleted is gone',
  withLink((name) => {
    addon.deleteLink(name);
    assert.is(addon.linkInfo(name), undefined);
  }),
);

for (const [family, address, prefixLength, text] of [
  [4, V4, 24, '10.8.0.1/24'],
  [6, V6, 64, 'fd08::1/64'],
] as const) {
  test(
    `an IPv${family} address is added, usable at once, listed, and removed`,
    withLink((name, index) => {
      addon.addressAdd(name, address, prefixLength);
      const shown = ip(`-${family} -o address show dev eth0`);
      assert.ok(shown.includes(text) && !/fd08.*tentative/.test(shown), shown);
      const [listed] = addon.addressList(name).filter((each) => Buffer.compare(each.address, address) === 0);
      assert.equal(listed, {
        kind: 'address',
        index,
        address,
        prefixLength,
        scope: 0,
        temporary: false,
        removed: false,
      });
      assert.is(
        codeOf(() => addon.addressAdd(name, address, prefixLength)),
        'EEXIST',
      );
      addon.addressRemove(name, address, prefixLength);
      assert.not(ip(`-${family} -o address show dev eth0`).includes(text));
      assert.is(
        codeOf(() => addon.addressRemove(name, address, prefixLength)),
        'EADDRNOTAVAIL',
      );
    }),
  );
}

test(
  'addresses of one link are not those of another, and all are all',
  withLink((name, index) => {
    addon.linkSet('lo', { up: true });
    addon.addressAdd(name, V4, 24);
    assert.ok(addon.addressList(name).every((each) => each.index === index));
    const all = addon.addressList().map((each) => each.index);
    assert.ok(all.includes(index) && all.includes(addon.linkInfo('lo')!.index));
  }),
);

for (const [family, destination, prefixLength, address, gateway] of [
  [4, NET4, 16, V4, Uint8Array.of(10, 8, 0, 9)],
  [6, NET6, 64, V6, Uint8Array.of(0xfd, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9)],
] as const) {
  test(
    `an IPv${family} route is added with all that was asked, listed as that, and removed`,
    withLink((name, index) => {
      addon.addressAdd(name, address, family === 4 ? 24 : 64);
      const asked: Route = {
        destination,
        prefixLength,
        interfaceIndex: index,
        gateway,
        source: address,
        metric: 77,
        mtu: 1300,
        table: 1000,
      };
      addon.routeAdd(asked);
      const { interfaceIndex, ...rest } = asked;
      assert.equal(routeTo(destination, 1000), { kind: 'route', ...rest, index, type: 1, removed: false });
      assert.is(routeTo(destination), undefined);
      assert.is(
        codeOf(() => addon.routeAdd(asked)),
        'EEXIST',
      );
      addon.routeRemove(asked);
      assert.is(routeTo(destination, 1000), undefined);
      assert.is(
        codeOf(() => addon.routeRemove(asked)),
        'ESRCH',
      );
    }),
  );

  test(
    `an IPv${family} route is replaced by a better one before it goes, so that there always is one`,
    withLink((name, index) => {
      addon.addressAdd(name, address, family === 4 ? 24 : 64);
      const old: Route = { destination, prefixLength, interfaceIndex: index, metric: 20 };
      addon.routeAdd(old);
      addon.routeAdd({ ...old, metric: 10, gateway });
      addon.routeRemove(old);
      assert.equal([routeTo(destination)?.metric, routeTo(destination)?.gateway], [10, gateway]);
    }),
  );

  test(
    `the default route of IPv${family} is a route of length 0`,
    withLink((name, index) => {
      addon.addressAdd(name, address, family === 4 ? 24 : 64);
      const everything = new Uint8Array(destination.length);
      addon.routeAdd({ destination: everything, prefixLength: 0, interfaceIndex: index });
      const found = addon
        .routeList({ table: 254 })
        .find((route) => route.prefixLength === 0 && route.destination.length === destination.length);
      assert.equal([found?.destination, found?.index], [everything, index]);
    }),
  );
}

test('routes that need no interface tell their type', () => {
  ip('route add blackhole 10.56.0.0/16');
  ip('route add unreachable 10.57.0.0/16');
  const types = addon.routeList({ table: 254 }).map((route) => [route.destination[1], route.type, route.index]);
  assert.equal(types, [
    [56, 6, 0],
    [57, 7, 0],
  ]);
  ip('route flush table main');
});

test(
  'what is refused has the code of the kernel and the name of the request',
  withLink((name, index) => {
    const route = { destination: NET4, prefixLength: 16, interfaceIndex: index };
    const refused: [code: string, syscall: string, call: () => unknown][] = [
      ['ENODEV', 'SIOCGIFFLAGS', () => addon.linkSet('eth9', { up: true })],
      ['ENODEV', 'SIOCSIFMTU', () => addon.linkSet('eth9', { mtu: 1280 })],
      ['EINVAL', 'SIOCSIFMTU', () => addon.linkSet(name, { mtu: 70_000 })],
      ['ENODEV', 'if_nametoindex', () => addon.deleteLink('eth9')],
      ['ENOTSUP', 'RTM_DELLINK', () => addon.deleteLink('lo')],
      ['ENODEV', 'if_nametoindex', () => addon.addressAdd('eth9', V4, 24)],
      ['ENODEV', 'if_nametoindex', () => addon.addressList('eth9')],
      ['ENODEV', 'RTM_NEWROUTE', () => addon.routeAdd({ ...route, interfaceIndex: 9999 })],
      ['EINVAL', 'RTM_NEWROUTE', () => addon.routeAdd({ ...route, destination: Uint8Array.of(10, 55, 0, 1) })],
      ['EINVAL', 'RTM_NEWROUTE', () => addon.routeAdd({ ...route, source: Uint8Array.of(192, 0, 2, 1) })],
      [
        'ENETUNREACH',
        'RTM_NEWROUTE',
        () => addon.routeAdd({ ...route, interfaceIndex: 0, gateway: Uint8Array.of(192, 0, 2, 1) }),
      ],
      ['ESRCH', 'RTM_DELROUTE', () => addon.routeRemove(route)],
    ];
    for (const [code, syscall, call] of refused) {
      assert.throws(call, (error: NodeJS.ErrnoException) => {
        assert.equal([error.code, error.syscall], [code, syscall]);
        return error instanceof Error && error.message.includes(code);
      });
    }
  }),
);

test(
  'a change that is not permitted is EPERM, a look is',
  withLink((name) => {
    const script = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(addonPath)}); const addon = m.exports;
    const codes = [() => addon.linkSet('${name}', { up: false }), () => addon.deleteLink('${name}'),
      () => addon.addressAdd('${name}', new Uint8Array(4).fill(9), 32),
      () => addon.routeAdd({ destination: new Uint8Array(4), prefixLength: 0, interfaceIndex: 1 }),
      () => addon.linkInfo('${name}'), () => addon.addressList(), () => addon.routeList()].map((call) => {
        try { call(); return 'done' } catch (error) { return error.code } });
    console.log(codes.join());`;
    const argv = ['--bounding-set', '-all', '--inh-caps', '-all', process.execPath, '-e', script];
    assert.is(execFileSync('setpriv', argv, { encoding: 'utf8' }), 'EPERM,EPERM,EPERM,EPERM,done,done,done\n');
  }),
);

test(
  'a thousand routes are listed, each once',
  withLink((_name, index) => {
    for (let i = 0; i < 1000; i++) {
      addon.routeAdd({ destination: Uint8Array.of(10, 60, i >> 8, i & 255), prefixLength: 32, interfaceIndex: index });
    }
    const seen = new Set(
      addon
        .routeList({ table: 254 })
        .filter((route) => route.destination[1] === 60)
        .map((route) => `${route.destination}`),
    );
    assert.is(seen.size, 1000);
  }),
);

test(
  'no call leaves a descriptor open',
  withLink((name, index) => {
    const before = descriptors();
    for (let i = 0; i < 200; i++) {
      addon.linkInfo(name);
      addon.routeList();
      addon.addressList();
      codeOf(() => addon.deleteLink('lo'));
      codeOf(() => addon.routeRemove({ destination: NET4, prefixLength: 16, interfaceIndex: index }));
    }
    assert.is(descriptors(), before);
  }),
);

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test.run();
