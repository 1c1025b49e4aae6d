/** A seed and its clients, each on a network of its own, with a router between them. */
import { fileURLToPath } from 'node:url';
import { createLab, type Host, type Lab, type LabProcess, waitFor } from '../../lab/index.ts';

export const PCLOUD: string = fileURLToPath(new URL('../../../dist/pcloud', import.meta.url));
export const STATE_DIR = '/run/pcloud/state';
const UP_LIMIT_MS = 30_000;

export interface MeshNetwork {
  readonly lab: Lab;
  readonly router: Host;
  readonly seed: Host;
  readonly clients: readonly Host[];
  readonly seedAddress: string;
}

export interface Ready {
  readonly adminUrl: string | undefined;
  readonly joinLink: string;
  readonly networkId: string;
}

/**
 * ```
 *  [seed] 192.0.2.10 ── 192.0.2.1 [router] 198.51.100.1 ── 198.51.100.10 [first]
 *                                          203.0.113.1  ── 203.0.113.10  [second]
 * ```
 */
export async function createMeshNetwork(): Promise<MeshNetwork> {
  const lab = createLab();
  const router = await lab.router('router');
  const seed = await lab.host('seed');
  const clients = [await lab.host('first'), await lab.host('second')];
  const nets = ['192.0.2', '198.51.100', '203.0.113'];
  for (const [index, host] of [seed, ...clients].entries()) {
    await lab.connect(
      { host, name: 'eth0', addresses: [`${nets[index]}.10/24`] },
      { host: router, name: `eth${index}`, addresses: [`${nets[index]}.1/24`] },
    );
    await host.run(`ip route add default via ${nets[index]}.1`);
    // The router has no name server, and says so at once.
    host.write('/etc/resolv.conf', `nameserver ${nets[index]}.1\n`, 0o644);
  }
  return { lab, router, seed, clients, seedAddress: '192.0.2.10' };
}

/** Starts the seed and waits until it is ready. */
export async function startSeed(
  { seed }: Pick<MeshNetwork, 'seed'>,
  args: readonly string[] = [],
  program: readonly string[] = [PCLOUD, 'seed'],
): Promise<{ process: LabProcess; ready: Ready }> {
  const process = seed.spawn([...program, '--json', ...args]);
  const line = await waitFor(
    'the seed to be ready',
    () => {
      if (!process.isRunning) throw new Error('the seed has ended');
      return process
        .stdout()
        .split('\n')
        .find((each) => each.includes('"ready"'));
    },
    UP_LIMIT_MS,
    process.output,
  );
  return { process, ready: JSON.parse(line) as Ready };
}

/** `pcloud up`, to its end. */
export async function up(host: Host, ...args: readonly string[]): Promise<{ name: string; addresses: string[] }> {
  const { stdout } = await host.run([PCLOUD, 'up', ...args, '--json'], { timeoutMs: UP_LIMIT_MS });
  const last = stdout.trim().split('\n').at(-1)!;
  return JSON.parse(last) as { name: string; addresses: string[] };
}

export interface Status {
  readonly self: { readonly name: string; readonly addresses: readonly string[] };
  readonly coordinator: { readonly connected: boolean };
  readonly peers: readonly {
    readonly name: string;
    readonly online: boolean;
    readonly path: string;
    readonly endpoint: string | null;
    readonly reason: string;
  }[];
}

export async function status(host: Host): Promise<Status> {
  const { stdout } = await host.run([PCLOUD, 'status', '--json']);
  return JSON.parse(stdout) as Status;
}
