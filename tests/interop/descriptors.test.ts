/** Descriptors that are handed over, as wireguard-go takes them: WG_TUN_FD and WG_UAPI_FD. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { createLab } from '../lab/lab.ts';
import { ours } from './lib/implementations.ts';

const program = ours().command.join(' ');

/** Opens a TUN with IFF_TUN and the flags given, and runs a command that inherits it as descriptor 7. */
const WITH_TUN = `import fcntl, os, struct, sys
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'given0', int(sys.argv[1], 0)))
os.dup2(tun, 7)
os.execvpe(sys.argv[2], sys.argv[2:], {**os.environ, 'WG_TUN_FD': '7'})`;

/** Listens where wg looks, and runs a command that inherits the socket as descriptor 8. */
const WITH_SOCKET = `import os, socket, sys
os.makedirs('/var/run/wireguard', exist_ok=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind('/var/run/wireguard/wg0.sock')
listener.listen(16)
os.dup2(listener.fileno(), 8)
os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, 'WG_UAPI_FD': '8'})`;

const PLAIN_TUN = '0x1001';
const TUN_WITH_PACKET_INFORMATION = '0x0001';

async function withHost(scenario: (host: Host) => Promise<void>): Promise<void> {
  const lab = createLab();
  try {
    const host = await lab.host('alone');
    host.write('/run/with-tun.py', WITH_TUN);
    host.write('/run/with-socket.py', WITH_SOCKET);
    await scenario(host);
  } finally {
    await lab.close();
  }
}

test('a TUN that is handed over is used under its own name, in the background too', async () => {
  await withHost(async (host) => {
    await host.run(`python3 /run/with-tun.py ${PLAIN_TUN} ${program} wg0`);
    await host.run('wg set given0 listen-port 7000 && ip link set given0 up');
    assert.match((await host.run('wg show given0')).stdout, /listening port: 7000/);
    await host.run('rm /var/run/wireguard/given0.sock');
  });
});

test('a TUN with packet information, which would garble every packet, is refused', async () => {
  await withHost(async (host) => {
    const command = `python3 /run/with-tun.py ${TUN_WITH_PACKET_INFORMATION} ${program} -f wg0 2>&1`;
    const { code, stdout } = await host.run(command, { check: false, timeoutMs: 5000 });
    assert.is(code, 1);
    assert.match(stdout, /WG_TUN_FD: the descriptor is not a TUN without packet information/);
  });
});

test('a listening socket that is handed over answers wg', async () => {
  await withHost(async (host) => {
    await host.run(`python3 /run/with-socket.py ${program} wg0`);
    await host.run('wg set wg0 listen-port 7001');
    assert.match((await host.run('wg show wg0')).stdout, /listening port: 7001/);
    await host.run('rm /var/run/wireguard/wg0.sock');
  });
});

for (const variable of ['WG_TUN_FD', 'WG_UAPI_FD']) {
  test(`${variable} that names no open descriptor is refused in one line`, async () => {
    await withHost(async (host) => {
      for (const flag of ['', '-f']) {
        const command = `LOG_LEVEL=silent ${variable}=77 ${program} ${flag} wg0`;
        const { code, stderr } = await host.run(command, { check: false, timeoutMs: 5000 });
        assert.is(code, 1);
        assert.match(stderr, new RegExp(`^pcloud-wg: ${variable}: [^\\n]+\\n$`));
      }
    });
  });
}

test('a reader of the log that goes away does not end the tunnel', async () => {
  await withHost(async (host) => {
    host.spawn(['bash', '-c', `exec ${program} -f wg0 2> >(head -n 1 >/dev/null)`]);
    await host.run('until wg show wg0 >/dev/null 2>&1; do sleep 0.1; done');
    await host.run(
      'for i in 1 2 3; do ip link set wg0 up; sleep 0.1; ip link set wg0 down; sleep 0.1; done; wg show wg0',
    );
  });
});

test.run();
