/** What of settings does not fit this machine, or one another, as the commands would find when they start. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { formatPrefix, parsePrefix } from '@pcloud/ip';
import { tlsOf } from '../seed/tls-options.ts';
import { formatListen, type ListenAddress } from './parse.ts';
import type { Settings } from './read.ts';

export interface MachineCheck {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export async function checkMachine(settings: Settings, wallMs: number): Promise<MachineCheck> {
  const problems: string[] = [];
  const warnings: string[] = [];
  async function attempt(act: () => Promise<unknown> | unknown): Promise<void> {
    try {
      await act();
    } catch (error) {
      problems.push((error as Error).message);
    }
  }

  await attempt(async () => (await import('@pcloud/daemon')).checkInterfaceName(settings.tun));
  await attempt(() => checkTls(settings, wallMs));
  await attempt(() => checkNetwork(settings));
  for (const proxy of settings.trustedProxies ?? []) {
    if (parsePrefix(proxy) === undefined) {
      problems.push(`trusted-proxy: expected an address or a prefix, got "${proxy}"`);
    }
  }
  const places = [...(settings.listen ?? []), ...(settings.metrics ? [settings.metrics] : [])];
  const texts = places.map(formatListen);
  for (const twice of new Set(texts.filter((text, at) => texts.indexOf(text) !== at))) {
    problems.push(`${twice}: is taken twice, by listen or by listen and metrics`);
  }
  const own = ownAddresses();
  for (const place of places) {
    if (!isOwn(place, own)) warnings.push(`${formatListen(place)}: this machine has no such address now`);
  }
  warnings.push(...checkStateDir(settings.stateDir));
  return { problems, warnings };
}

async function checkTls(settings: Settings, wallMs: number): Promise<void> {
  const tls = tlsOf(settings);
  if (tls.kind === 'files') (await import('@pcloud/coordinator')).readCertificateFiles(tls, wallMs);
  if (tls.kind === 'acme' && tls.caFile !== undefined) {
    try {
      readFileSync(tls.caFile);
    } catch (error) {
      throw new Error(`acme-ca-file "${tls.caFile}": cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
}

async function checkNetwork({ network }: Settings): Promise<void> {
  if (network === undefined) return;
  const { isMeshRange, MESH_RANGES } = await import('@pcloud/netmap');
  if (!isMeshRange(network)) throw new Error(`network ${formatPrefix(network)}: expected ${MESH_RANGES}`);
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces())
      .flat()
      .flatMap((info) => (info === undefined ? [] : [info.address])),
  );
}

function isOwn({ address }: ListenAddress, own: ReadonlySet<string>): boolean {
  return address === '0.0.0.0' || address === '::' || own.has(address);
}

function checkStateDir(stateDir: string): string[] {
  try {
    const { mode } = statSync(stateDir);
    if ((mode & 0o022) !== 0) return [`state-dir "${stateDir}": others than its owner may write there`];
    accessSync(stateDir, constants.W_OK);
    return [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? [] : [`state-dir "${stateDir}": cannot be written (${code}); the daemon runs as root`];
  }
}
