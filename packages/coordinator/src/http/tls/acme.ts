/** A certificate from an authority that speaks ACME (RFC 8555), proven by http-01. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import acme from 'acme-client';
import type { Random } from '../../accounts/secret.ts';
import { CoordinatorError } from '../../errors.ts';
import { replacePrivateFile } from '../../private-file.ts';
import { type Certificate, type CertificateSource, checkCertificate, renewalTime } from './certificate.ts';
import { openChallengePort } from './challenge-port.ts';
import type { TlsOptions } from './options.ts';
import { readPemFile, readText, writePemFile } from './pem-file.ts';
import { openSelfSigned, type SelfSignedDeps, type SelfSignedOptions } from './self-signed.ts';

type AcmeOptions = Extract<TlsOptions, { kind: 'acme' }>;

export interface AcmeDeps extends SelfSignedDeps {
  readonly random: Random;
}

const CHECK_MS = 3_600_000;
const RETRY_MS = { least: 60_000, most: 6 * 3_600_000 };

/**
 * The certificate of the state directory, renewed when a third of its life is left. Until there is one, the
 * server shows its own, and its console stays inside.
 * @throws CoordinatorError CERTIFICATE_INVALID when the CA file cannot be read
 */
export async function openAcme(options: SelfSignedOptions & AcmeOptions, deps: AcmeDeps): Promise<CertificateSource> {
  const { log, now, setTimer } = deps;
  const path = join(options.stateDir, 'acme.pem');
  const ca = options.caFile === undefined ? undefined : readCa(options.caFile);
  const own = await openSelfSigned(options, deps);
  let ordered = readOrdered(path, options.domains);
  let validity = ordered && checkCertificate(ordered);
  let onChange: (certificate: Certificate) => void = () => {};
  let failures = 0;
  let isClosed = false;
  let cancelTimer: () => void = () => {};

  function isLive(): boolean {
    return validity !== undefined && now() < validity.untilMs;
  }

  function check(): void {
    if (isClosed) return;
    if (validity !== undefined && now() < renewalTime(validity)) {
      cancelTimer = setTimer(check, CHECK_MS);
      return;
    }
    order(options, ca).then(
      (certificate) => {
        ordered = certificate;
        validity = checkCertificate(certificate);
        failures = 0;
        writePemFile(path, certificate);
        if (isClosed) return;
        cancelTimer = setTimer(check, CHECK_MS);
        onChange(certificate);
      },
      (error: unknown) => {
        const retryMs = backoff(failures++, deps.random);
        log.error({ fault: (error as Error).message, retryMs }, 'the authority gave no certificate');
        if (!isClosed) cancelTimer = setTimer(check, retryMs);
      },
    );
  }

  own.watch((certificate) => {
    if (!isLive()) onChange(certificate);
  });
  check();
  return {
    get current() {
      return isLive() ? ordered! : own.current;
    },
    get isTrusted() {
      return isLive();
    },
    watch(callback) {
      onChange = callback;
    },
    close() {
      isClosed = true;
      cancelTimer();
      own.close();
    },
  };
}

async function order(options: SelfSignedOptions & AcmeOptions, ca: string | undefined): Promise<Certificate> {
  // acme-client has one way to say whom to believe, for all its clients.
  if (ca !== undefined) acme.axios.defaults.httpsAgent = new Agent({ ca });
  const client = new acme.Client({
    directoryUrl: options.directoryUrl,
    accountKey: await accountKey(options.stateDir),
    backoffMin: 1_000,
  });
  const [key, csr] = await acme.crypto.createCsr(
    { commonName: options.domains[0]!, altNames: [...options.domains] },
    await acme.crypto.createPrivateEcdsaKey(),
  );
  const challenges = await openChallengePort(options.challengePort ?? 80);
  try {
    const chain = await client.auto({
      csr,
      email: options.email,
      termsOfServiceAgreed: true,
      challengePriority: ['http-01'],
      // From inside, a server often cannot reach its own public name.
      skipChallengeVerification: true,
      challengeCreateFn: async (_authorization, challenge, answer) => challenges.put(challenge.token, answer),
      challengeRemoveFn: async (_authorization, challenge) => challenges.remove(challenge.token),
    });
    const certificate = { chain: chain.trim(), key: key.toString('latin1').trim() };
    checkCertificate(certificate);
    return certificate;
  } finally {
    await challenges.close();
  }
}

async function accountKey(stateDir: string): Promise<string> {
  const path = join(stateDir, 'acme-account.key');
  const found = readText(path);
  if (found !== undefined) return found;
  const key = (await acme.crypto.createPrivateEcdsaKey()).toString('latin1');
  replacePrivateFile(path, key);
  return key;
}

/** What was ordered before, unless it is for other names. */
function readOrdered(path: string, domains: readonly string[]): Certificate | undefined {
  const found = readPemFile(path);
  if (found === undefined) return undefined;
  try {
    checkCertificate(found);
    const { commonName, altNames } = acme.crypto.readCertificateInfo(found.chain).domains;
    const names = new Set([commonName, ...altNames]);
    return domains.every((domain) => names.has(domain)) ? found : undefined;
  } catch {
    return undefined;
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new CoordinatorError('CERTIFICATE_INVALID', `CA file "${path}": ${why}`, { cause: error });
  }
}

/** Doubling, and up to half less, so that servers that failed together do not ask together. */
function backoff(failures: number, random: Random): number {
  const byte = new Uint8Array(1);
  random(byte);
  const ms = Math.min(RETRY_MS.most, RETRY_MS.least * 2 ** failures);
  return Math.round(ms * (1 - byte[0]! / 510));
}
