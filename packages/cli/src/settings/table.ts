import type { Prefix } from '@pcloud/ip';
import {
  type ListenAddress,
  type Parse,
  parseDns,
  parseLevel,
  parseListen,
  parseLocalListen,
  parseNetwork,
  parsePath,
  parsePort,
  parsePublicUrl,
  parseSwitch,
  parseText,
} from './parse.ts';

/** One setting: a flag, an environment variable and a key of the configuration file, all of one name. */
export interface Setting<T> {
  /** `state-dir`: the flag `--state-dir`, the variable `PCLOUD_STATE_DIR`, the key `state-dir`. */
  readonly name: string;
  /** What stands for the value in help; undefined for a switch. */
  readonly argument: string | undefined;
  readonly help: string;
  readonly isList: boolean;
  /** @throws Error that says what was expected */
  readonly parse: (texts: readonly string[]) => T;
}

/** What was set, by flag, variable or file, in this order; undefined for what was not. */
export interface GivenSettings {
  readonly stateDir: string | undefined;
  readonly runtimeDir: string | undefined;
  readonly tun: string | undefined;
  readonly port: number | undefined;
  readonly name: string | undefined;
  readonly dns: 'auto' | 'off' | undefined;
  readonly logLevel: 'verbose' | 'info' | 'error' | 'silent' | undefined;
  readonly listen: readonly ListenAddress[] | undefined;
  readonly publicUrls: readonly string[] | undefined;
  readonly network: Prefix | undefined;
  readonly tlsCertificate: string | undefined;
  readonly tlsKey: string | undefined;
  readonly acmeDomains: readonly string[] | undefined;
  readonly acmeEmail: string | undefined;
  readonly acmeDirectory: string | undefined;
  readonly acmeCaFile: string | undefined;
  readonly trustedProxies: readonly string[] | undefined;
  readonly openRegistration: boolean | undefined;
  readonly metrics: ListenAddress | undefined;
}

export type SettingKey = keyof GivenSettings;

/** In the order that help has them. */
export const SETTINGS: { readonly [K in SettingKey]: Setting<NonNullable<GivenSettings[K]>> } = {
  stateDir: one('state-dir', 'DIR', 'what is kept across restarts (default: /var/lib/pcloud)', parsePath),
  runtimeDir: one('runtime-dir', 'DIR', 'sockets and logs (default: /run/pcloud)', parsePath),
  tun: one('tun', 'NAME', 'name of the interface (default: pcloud0)', parseText),
  port: one('port', 'PORT', 'UDP port of the tunnel (default: 51820 on a seed, else one that is kept)', parsePort),
  name: one('name', 'NAME', "name of this node, wished for (default: the machine's)", parseText),
  dns: one('dns', 'MODE', 'auto, or off: programs of this machine are not sent to our resolver', parseDns),
  logLevel: one('log-level', 'LEVEL', 'verbose, info, error or silent', parseLevel),
  listen: many(
    'listen',
    'ADDRESS:PORT',
    'where to take connections; again for more (default: 8443, and 443 if free)',
    parseListen,
  ),
  publicUrls: many('public-url', 'URL', 'how others reach this server (default: its addresses)', parsePublicUrl),
  network: one('network', 'CIDR', 'range of a network that is made now (default: 10.0.0.0/16)', parseNetwork),
  tlsCertificate: one('tls-certificate', 'FILE', 'certificate of your own, PEM', parsePath),
  tlsKey: one('tls-key', 'FILE', 'its private key', parsePath),
  acmeDomains: many('acme-domain', 'NAME', 'get a certificate for this name by ACME', parseText),
  acmeEmail: one('acme-email', 'ADDRESS', 'where the authority may write to', parseText),
  acmeDirectory: one('acme-directory', 'URL', "of the authority (default: Let's Encrypt)", parseText),
  acmeCaFile: one('acme-ca-file', 'FILE', "certificate that the authority's own is checked with", parsePath),
  trustedProxies: many('trusted-proxy', 'ADDRESS', 'proxy whose X-Forwarded-For counts', parseText),
  openRegistration: toggle('open-registration', 'let anybody register without an invitation'),
  metrics: one(
    'metrics',
    '[ADDRESS:]PORT',
    'serve metrics and health there (default: off; without an address on loopback)',
    parseLocalListen,
  ),
};

/** Of each command. */
export const COMMON: readonly SettingKey[] = ['stateDir', 'runtimeDir'];
/** Of those that start a daemon. */
export const OF_DAEMON: readonly SettingKey[] = ['tun', 'port', 'name', 'dns', 'logLevel', 'metrics'];
/** Of those that start a coordinator. */
export const OF_COORDINATOR: readonly SettingKey[] = [
  'listen',
  'publicUrls',
  'network',
  'tlsCertificate',
  'tlsKey',
  'acmeDomains',
  'acmeEmail',
  'acmeDirectory',
  'acmeCaFile',
  'trustedProxies',
  'openRegistration',
];

function one<T>(name: string, argument: string, help: string, parse: Parse<T>): Setting<T> {
  return { name, argument, help, isList: false, parse: (texts) => parse(texts.at(-1)!) };
}

function many<T>(name: string, argument: string, help: string, parse: Parse<T>): Setting<readonly T[]> {
  return { name, argument, help, isList: true, parse: (texts) => texts.map(parse) };
}

function toggle(name: string, help: string): Setting<boolean> {
  return { name, argument: undefined, help, isList: false, parse: (texts) => parseSwitch(texts.at(-1)!) };
}
