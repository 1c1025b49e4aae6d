/** A certificate of one's own. Nodes do not look at it: they know the server by its channel key. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Logger } from '../../log.ts';
import { type Certificate, type CertificateSource, checkCertificate, renewalTime } from './certificate.ts';
import { readPemFile, writePemFile } from './pem-file.ts';

export interface SelfSignedOptions {
  readonly stateDir: string;
  /** Names and addresses of this server. */
  readonly hosts: readonly string[];
}

export interface SelfSignedDeps {
  readonly log: Logger;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  readonly setTimer: (callback: () => void, ms: number) => () => void;
}

const FILE = 'self-signed.pem';
const DAY_MS = 86_400_000;
const LIFE_MS = 825 * DAY_MS;
/** So that a clock a little behind does not find it from the future. */
const BEFORE_MS = DAY_MS;
const CHECK_MS = DAY_MS / 24;

/** The certificate of the state directory, or a new one; another is made when a third of its life is left. */
export async function openSelfSigned(options: SelfSignedOptions, deps: SelfSignedDeps): Promise<CertificateSource> {
  const path = join(options.stateDir, FILE);
  const { log, now, setTimer } = deps;
  let current = readUsable(path, now()) ?? (await make());
  let renewAtMs = renewalTime(checkCertificate(current));
  let onChange: (certificate: Certificate) => void = () => {};
  let isClosed = false;
  let cancelTimer = setTimer(check, CHECK_MS);

  async function make(): Promise<Certificate> {
    const made = await makeCertificate(options.hosts, now());
    writePemFile(path, made);
    return made;
  }

  function check(): void {
    if (now() < renewAtMs) {
      cancelTimer = setTimer(check, CHECK_MS);
      return;
    }
    make()
      .then(
        (made) => {
          current = made;
          renewAtMs = renewalTime(checkCertificate(made));
          if (!isClosed) onChange(made);
        },
        (error: unknown) => log.error({ fault: (error as Error).message }, 'the certificate could not be renewed'),
      )
      .finally(() => {
        if (!isClosed) cancelTimer = setTimer(check, CHECK_MS);
      });
  }

  return {
    get current() {
      return current;
    },
    isTrusted: false,
    watch(callback) {
      onChange = callback;
    },
    close() {
      isClosed = true;
      cancelTimer();
    },
  };
}

function readUsable(path: string, now: number): Certificate | undefined {
  const found = readPemFile(path);
  if (found === undefined) return undefined;
  try {
    return now < renewalTime(checkCertificate(found)) ? found : undefined;
  } catch {
    return undefined;
  }
}

async function makeCertificate(hosts: readonly string[], now: number): Promise<Certificate> {
  const altNames = ['localhost', ...hosts].map((host) =>
    isIP(host) === 0 ? ({ type: 2, value: host } as const) : ({ type: 7, ip: host } as const),
  );
  // Large, and needed every other year.
  const { generate } = await import('selfsigned');
  const { cert: chain, private: key } = await generate([{ name: 'commonName', value: 'pcloud' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - BEFORE_MS),
    notAfterDate: new Date(now + LIFE_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  });
  return { chain: chain.trim(), key: key.trim() };
}
