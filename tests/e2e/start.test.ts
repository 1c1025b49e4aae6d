/** `scripts/start` as a newcomer runs it, on a clean machine with a network of its own. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLab, type Host, type LabProcess } from '../lab/index.ts';
import { waitFor } from '../lab/wait.ts';
import { SCRIPT_LIMIT_MS, scriptPath } from './lib/script.ts';

const START = scriptPath('start');

async function withHost(addresses: readonly string[], act: (host: Host) => Promise<void>): Promise<void> {
  const lab = createLab();
  try {
    const [host, router] = [await lab.host('server1'), await lab.router('router')];
    await lab.connect({ host, name: 'eth0', addresses }, { host: router, name: 'eth0' });
    await act(host);
  } finally {
    await lab.close();
  }
}

function untilSaid(process: LabProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return waitFor(
    `${pattern}`,
    () => {
      if (!process.isRunning) throw new Error(`it has ended\n${process.output()}`);
      return pattern.exec(process.output()) ?? undefined;
    },
    SCRIPT_LIMIT_MS,
    process.output,
  );
}

/** Interfaces, addresses, routes, sockets and names of a host, in words. */
async function picture(host: Host): Promise<string> {
  const lines = 'ip -o address; ip route; ip -6 route; ls /run/pcloud; ss -Hlntu; cat /etc/resolv.conf';
  return (await host.run(lines)).stdout.replace(/valid_lft.*/g, '');
}

test('it gives a first server at 10.0.0.1 with both links, and Ctrl-C leaves the machine as it was found', () =>
  withHost(['192.0.2.10/24'], async (host) => {
    await host.run('mkdir -p /run/pcloud/state');
    const before = await picture(host);
    const process = host.spawn(['setsid', '--wait', START]);
    const [, adminUrl] = await untilSaid(process, /(https?:\/\/\S+\/setup\S+)/);
    await untilSaid(process, /pcloud up 'https:\/\/192\.0\.2\.10:8443\/join#v=1&\S+'/);
    assert.match((await host.run('ip -o address show dev pcloud0')).stdout, / 10\.0\.0\.1\/32 /);
    const during = await picture(host);
    await process.signal('SIGINT');
    assert.is((await process.exited).code, 0, process.output());
    assert.is(await picture(host), before, during);

    const again = host.spawn(['setsid', '--wait', START, '--json']);
    const [line] = await untilSaid(again, /^\{"event":"ready".*\}$/m);
    const ready = JSON.parse(line);
    assert.is(ready.addresses[0], '10.0.0.1', 'it resumes');
    assert.is.not(ready.adminUrl, adminUrl, 'a link that opens once is a new one');
    await again.signal('SIGINT');
    assert.is((await again.exited).code, 0, again.output());
    assert.is(await picture(host), before);
  }));

test('on a LAN that has 10.0.0.0/16 it takes the next range and says so', () =>
  withHost(['10.0.0.10/24'], async (host) => {
    const process = host.spawn([START]);
    await untilSaid(
      process,
      /10\.0\.0\.0\/16 overlaps 10\.0\.0\.0\/24 of this machine; the network is 10\.77\.0\.0\/16 instead\./,
    );
    await untilSaid(process, /This machine is server1: 10\.77\.0\.1, /);
  }));

test('in a network namespace with the files of the machine, the resolver of the machine is left alone', () =>
  withHost(['192.0.2.10/24'], async (host) => {
    const before = host.read('/etc/resolv.conf');
    await host.run('ip netns add inner && ip -n inner link set lo up');
    const process = host.spawn(['ip', 'netns', 'exec', 'inner', START]);
    await untilSaid(process, /This machine is server1: 10\.0\.0\.1, /);
    await untilSaid(process, /resolv\.conf cannot be changed/);
    assert.is(host.read('/etc/resolv.conf'), before);
  }));

test('a port in use is one line that names it', () =>
  withHost(['192.0.2.10/24'], async (host) => {
    host.spawn(['python3', '-m', 'http.server', '8443', '--bind', '0.0.0.0']);
    await waitFor('the other to listen', async () => (await host.run('ss -Hlnt sport = :8443')).stdout !== '', 10_000);
    const { code, stderr } = await host.run([START], { check: false, timeoutMs: SCRIPT_LIMIT_MS });
    assert.is(code, 1);
    const [last] = stderr.trim().split('\n').slice(-1);
    assert.match(last!, /^pcloud: .*8443.*in use/);
    assert.not.match((await host.run('ip -o link')).stdout, /pcloud0/);
  }));

test('port 443 is another way in where it is free, and left to whoever has it at the next start', () =>
  withHost(['192.0.2.10/24'], async (host) => {
    await host.run('mkdir -p /run/pcloud/state');
    for (const [isTaken, further] of [
      [false, /&s=https:\/\/192\.0\.2\.10&/],
      [true, /^(?!.*&s=)/],
    ] as const) {
      if (isTaken) host.spawn(['python3', '-m', 'http.server', '443', '--bind', '0.0.0.0']);
      const at = isTaken ? '0.0.0.0:443' : undefined;
      await waitFor('443', async () => !at || (await host.run('ss -Hlnt')).stdout.includes(at), 10_000);
      const seed = host.spawn(['setsid', '--wait', START, '--json']);
      const [line] = await untilSaid(seed, /^\{"event":"ready".*\}$/m);
      assert.match(JSON.parse(line).joinLink, further);
      const { code } = await host.run('curl --silent --fail --insecure https://192.0.2.10/healthz', { check: false });
      assert.is(code === 0, !isTaken);
      await seed.signal('SIGINT');
      assert.is((await seed.exited).code, 0, seed.output());
    }
  }));

test.run();
