import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** PEM. */
export interface Certificate {
  /** The server's own first. */
  readonly chain: string;
  readonly key: string;
}

/** Where the listeners' certificate comes from, and when there is another. */
export interface CertificateSource {
  readonly current: Certificate;
  /** Whether browsers trust it, as far as that can be known here. */
  readonly isTrusted: boolean;
  /** Calls back with each certificate that follows. */
  watch(onChange: (certificate: Certificate) => void): void;
  close(): void;
}

/** When it begins and ends, wall clock milliseconds. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** @throws Error that says which of the two is wrong, and how */
export function checkCertificate({ chain, key }: Certificate): Validity {
  const certificate = attempt('certificate', () => new X509Certificate(chain));
  const privateKey = attempt('key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('key: it belongs to another certificate');
  attempt('certificate', () => createSecureContext({ cert: chain, key }));
  return { fromMs: Date.parse(certificate.validFrom), untilMs: Date.parse(certificate.validTo) };
}

function attempt<T>(what: 'certificate' | 'key', read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${what}: expected PEM (${(error as Error).message})`, { cause: error });
  }
}

/** The moment at which a third of its life is left. */
export function renewalTime({ fromMs, untilMs }: Validity): number {
  return untilMs - (untilMs - fromMs) / 3;
}
