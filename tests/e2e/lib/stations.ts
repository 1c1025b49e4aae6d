/** A network that faults are done to: seed and clients are services, and it is known what must come back. */
import { type Host, ping, waitFor } from '../../lab/index.ts';
import { createMeshNetwork, type MeshNetwork, PCLOUD, type Status, status, up } from './network.ts';
import { keepRunning, type Service } from './service.ts';

export interface Station {
  readonly host: Host;
  readonly service: Service;
  readonly name: string;
  /** IPv4 first. */
  readonly addresses: readonly string[];
}

export interface Stations extends Omit<MeshNetwork, 'seed' | 'clients'> {
  readonly seed: Station;
  readonly first: Station;
  readonly second: Station;
  readonly all: readonly Station[];
  /** Waits until everybody is what he was, connected, and reached by everybody. @throws with what they said */
  whole(deadlineMs: number): Promise<void>;
  /** What all services said. */
  output(): string;
}

export interface StationsOptions {
  /** Of `pcloud seed`. */
  readonly seedArguments?: readonly string[];
  readonly env?: { readonly [Name in 'seed' | 'first' | 'second']?: Readonly<Record<string, string>> };
  /** Before anything of ours starts. */
  readonly prepare?: (network: MeshNetwork) => Promise<void>;
}

const START_LIMIT_MS = 30_000;

/** Seed, first and second, joined and whole, for as long as the act takes. */
export async function withStations(
  options: StationsOptions,
  act: (stations: Stations) => Promise<void>,
): Promise<void> {
  const network = await createMeshNetwork();
  const services: Service[] = [];
  try {
    await options.prepare?.(network);
    const [first, second] = network.clients as [Host, Host];
    const { env = {}, seedArguments = [] } = options;
    services.push(
      keepRunning(network.seed, [PCLOUD, 'seed', '--json', '--no-links', ...seedArguments], env.seed),
      keepRunning(first, [PCLOUD, 'daemon'], env.first),
      keepRunning(second, [PCLOUD, 'daemon'], env.second),
    );
    await act(await join(network, services));
  } finally {
    await Promise.all(services.map((service) => service.stop('SIGKILL')));
    await network.lab.close();
  }
}

async function join(network: MeshNetwork, services: readonly Service[]): Promise<Stations> {
  const { seed, clients } = network;
  const [first, second] = clients as [Host, Host];
  const output = (): string =>
    [seed, first, second].map(({ name }, index) => `=== ${name}\n${services[index]!.output()}`).join('');
  await waitFor('the seed', () => services[0]!.process.stdout().includes('"ready"'), START_LIMIT_MS, output);
  const stations: Station[] = [];
  for (const [index, host] of [seed, first, second].entries()) {
    if (host !== seed) await joinByLink(host, await invite(seed));
    const { self } = await status(host);
    stations.push({ host, service: services[index]!, ...self });
  }

  async function whole(deadlineMs: number): Promise<void> {
    let last = '';
    const checks = stations.map((station) => async () => {
      last = await problemOf(station, stations).catch(String);
      return last === '';
    });
    const startedAt = performance.now();
    for (const check of checks) {
      const leftMs = Math.max(0, deadlineMs - (performance.now() - startedAt));
      await waitFor('everything to be back', check, leftMs, () => `${last}\n${output()}`);
    }
  }

  const [seedStation, firstStation, secondStation] = stations as [Station, Station, Station];
  const made = { ...network, seed: seedStation, first: firstStation, second: secondStation, all: stations };
  await whole(START_LIMIT_MS);
  return { ...made, whole, output };
}

/** A link that lets one device in. */
export async function invite(seed: Host): Promise<string> {
  const { stdout } = await seed.run([PCLOUD, 'invite', '--json']);
  return (JSON.parse(stdout) as { link: string }).link;
}

/** A device that is of no network yet, on a LAN of its own. */
export async function addDevice({ lab, router }: Pick<MeshNetwork, 'lab' | 'router'>, name: string): Promise<Host> {
  const host = await lab.host(name);
  await lab.connect(
    { host, name: 'eth0', addresses: ['192.0.3.10/24'] },
    { host: router, name: 'eth3', addresses: ['192.0.3.1/24'] },
  );
  await host.run('ip route add default via 192.0.3.1');
  return host;
}

/** Gives a host another address in the place of its only one. */
export async function move(host: Host, from: string, to: string): Promise<void> {
  const router = to.replace(/\d+$/, '1');
  const lines = [
    `ip address del ${from}/24 dev eth0`,
    `ip address add ${to}/24 dev eth0`,
    `ip route add default via ${router}`,
  ];
  await host.run(lines.join(' && '));
}

/** Joins through the daemon that runs there, or is about to. */
async function joinByLink(host: Host, link: string): Promise<void> {
  await waitFor('the daemon to answer', () => host.run([PCLOUD, 'status']).catch(() => undefined), START_LIMIT_MS);
  await up(host, link);
}

/** What is not as it was, or an empty text. */
async function problemOf(station: Station, all: readonly Station[]): Promise<string> {
  const { host, name, addresses } = station;
  const now: Status = await status(host);
  if (now.self?.name !== name || now.self.addresses.join() !== addresses.join()) return `${name} is ${now.self?.name}`;
  if (!now.coordinator.connected) return `${name} is not connected`;
  const others = all.filter((each) => each !== station);
  if (now.peers.length !== others.length) return `${name} knows ${now.peers.length} peers`;
  const away = now.peers.find((peer) => !peer.online);
  if (away !== undefined) return `${name} has ${away.name} for away`;
  for (const other of others) {
    const { received } = await ping(host, other.addresses[0]!);
    if (received === 0) return `${other.name} does not answer ${name}`;
  }
  if (!host.read('/etc/resolv.conf').includes(`nameserver ${addresses[0]}\n`)) return `${name} has no resolver`;
  return '';
}
