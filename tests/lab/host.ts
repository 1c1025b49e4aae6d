/** A host of a lab: its own network, mounts, process ids, name and /etc, on this machine's file system. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { background, type Command, childOf, type LabProcess, type RunOptions, type RunResult, run } from './process.ts';

export interface Host {
  readonly name: string;
  /** The process id, outside the lab, of the host's first process. */
  readonly pid: number;
  /** Runs to the end: `host.run(['wg', 'show'])`, or a line for the shell. @throws on a non-zero exit */
  run(command: Command, options?: RunOptions): Promise<RunResult>;
  /** Starts in the background. It ends with the lab at the latest. */
  spawn(command: Command, options?: RunOptions): LabProcess;
  /** Writes a file of the host; what is below /run and /etc vanishes with it. Returns the path. */
  write(path: string, content: string, mode?: number): string;
  read(path: string): string;
  /** Sets network settings of this host: `{ 'net.ipv4.ip_forward': 1 }`. */
  sysctl(settings: Readonly<Record<string, string | number>>): Promise<void>;
  /** Ends every process of the host; its interfaces and files go with it. */
  close(): Promise<void>;
}

/**
 * The host lives as long as its first process, and that as long as the pipe from us: when this process
 * ends, however it ends, the kernel kills all that runs in the host and removes its namespaces.
 * Ignoring SIGCHLD makes the kernel reap what daemons leave to process 1.
 */
const FIRST_PROCESS = `set -e
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
cp -a /etc /run/etc
mount --bind /run/etc /etc
mkdir -p /run/pcloud /run/lock
chmod 1777 /run/lock
[ ! -d /etc/wireguard ] || mount -t tmpfs -o mode=700 tmpfs /etc/wireguard
hostname "$0"
sysctl -eqw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \\
  net.ipv6.conf.default.dad_transmits=0 net.ipv6.conf.default.router_solicitations=0
ip link set lo up
echo ready
trap '' CHLD
exec cat >/dev/null
`;

const UNSHARE = '--net --mount --uts --pid --fork --kill-child --mount-proc --propagation private'.split(' ');

/** @throws Error when namespaces cannot be made, with what the kernel said */
export async function createHost(name: string): Promise<Host> {
  const holder = spawn('unshare', [...UNSHARE, 'sh', '-c', FIRST_PROCESS, name], { stdio: 'pipe' });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('exit', () => reject(new Error(`host ${name} did not start (root is needed): ${said}`)));
    holder.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    holder.stdout.on('data', () => resolve());
  });
  holder.removeAllListeners('exit');
  holder.stdin.on('error', () => {});
  // A forgotten close does not keep the test's process alive.
  for (const handle of [holder, holder.stdin, holder.stdout, holder.stderr]) (handle as { unref?(): void }).unref?.();
  const pid = childOf(holder.pid ?? 0);
  const enter = ['nsenter', '--target', `${pid}`, '--net', '--mount', '--uts', '--pid', '--'];
  const env = { PCLOUD_STATE_DIR: '/run/pcloud/state', PCLOUD_RUNTIME_DIR: '/run/pcloud' };
  const path = (inside: string): string => `/proc/${pid}/root${inside}`;

  const host: Host = {
    name,
    pid,
    run: (command, options = {}) => run(enter, command, { ...options, env: { ...env, ...options.env } }),
    spawn: (command, options = {}) => background(enter, command, { ...options, env: { ...env, ...options.env } }),
    write(inside, content, mode = 0o600) {
      mkdirSync(dirname(path(inside)), { recursive: true });
      writeFileSync(path(inside), content, { mode });
      chmodSync(path(inside), mode);
      return inside;
    },
    read: (inside) => readFileSync(path(inside), 'utf8'),
    async sysctl(settings) {
      const pairs = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
      await host.run(['sysctl', '-qw', ...pairs]);
    },
    async close() {
      if (holder.exitCode !== null || holder.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
      holder.ref();
      process.kill(pid, 'SIGKILL'); // first of its process ids: the kernel kills all the others with it
      await ended;
    },
  };
  return host;
}
