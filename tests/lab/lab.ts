/** A lab: hosts in network namespaces, the cables between them, and the end of it all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost, type Host } from './host.ts';
import { type Cable, drawCables, type End } from './picture.ts';
import { run } from './process.ts';

export interface Lab {
  /** A directory of this machine for captures and the like, gone with the lab. */
  readonly directory: string;
  readonly hosts: readonly Host[];
  /** Adds a host with nothing but `lo`. */
  host(name: string): Promise<Host>;
  /** Adds a host that passes packets on, IPv4 and IPv6. */
  router(name: string): Promise<Host>;
  /** Lays a cable (a veth pair) between two hosts; both ends are up when this returns. */
  connect(left: End, right: End, options?: { mtu?: number }): Promise<void>;
  /** Adds an Ethernet switch with a cable to each end. */
  lan(name: string, ends: readonly End[], options?: { mtu?: number }): Promise<Host>;
  /** The cables in ASCII, one a line. */
  picture(): string;
  /** Ends all processes and removes every trace. Also done when this process ends, however it ends. */
  close(): Promise<void>;
}

const open = new Set<string>();
let hooked = false;

/**
 * A new, empty lab. Namespaces have no names, so any number of labs exist side by side, each host with
 * whatever interface names and sockets it likes.
 */
export function createLab(): Lab {
  hook();
  const directory = mkdtempSync(join(tmpdir(), `pcloud-lab-${process.pid}-`));
  open.add(directory);
  const hosts: Host[] = [];
  const cables: Cable[] = [];

  async function host(name: string): Promise<Host> {
    const made = await createHost(name);
    hosts.push(made);
    return made;
  }

  async function connect(left: End, right: End, options: { mtu?: number } = {}): Promise<void> {
    await layCable(left, right, options.mtu ?? 1500);
    cables.push({ left, right, mtu: options.mtu ?? 1500 });
  }

  return {
    directory,
    hosts,
    host,
    async router(name) {
      const made = await host(name);
      await made.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
      return made;
    },
    connect,
    async lan(name, ends, options) {
      const made = await host(name);
      await made.run('ip link add br0 type bridge && ip link set br0 up');
      for (const [index, end] of ends.entries()) {
        const port = `port${index}`;
        await connect(end, { host: made, name: port }, options);
        await made.run(['ip', 'link', 'set', port, 'master', 'br0']);
      }
      return made;
    },
    picture: () => drawCables(cables),
    async close() {
      await Promise.all(hosts.map((each) => each.close()));
      rmSync(directory, { recursive: true, force: true });
      open.delete(directory);
    },
  };
}

async function layCable(left: End, right: End, mtu: number): Promise<void> {
  // Only the network of the host is entered here, so that the other end can be named by its outer pid.
  const enter = ['nsenter', '--target', `${left.host.pid}`, '--net', '--'];
  const pair = `ip link add ${left.name} mtu ${mtu} type veth peer name ${right.name} mtu ${mtu} netns ${right.host.pid}`;
  await run(enter, pair.split(' '));
  for (const end of [left, right]) await end.host.run(['ip', 'link', 'set', end.name, 'up']);
  for (const end of [left, right]) {
    const lines = (end.addresses ?? []).map((address) => `address add ${address} dev ${end.name} nodad\n`);
    if (lines.length > 0) await end.host.run(['ip', '-batch', '-'], { input: lines.join('') });
  }
}

/** Removes directories at exit, and makes the usual signals an exit. Hosts end by themselves: see host.ts. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const directory of open) rmSync(directory, { recursive: true, force: true });
  });
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}
