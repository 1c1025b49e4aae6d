import type { AcmeDeps } from './acme.ts';
import type { CertificateSource } from './certificate.ts';
import { openCertificateFiles } from './certificate-files.ts';
import type { TlsOptions } from './options.ts';
import { openSelfSigned, type SelfSignedOptions } from './self-signed.ts';

/** @throws CoordinatorError CERTIFICATE_INVALID */
export async function openCertificates(
  options: SelfSignedOptions & { readonly tls: TlsOptions },
  deps: AcmeDeps,
): Promise<CertificateSource> {
  const { stateDir, hosts, tls } = options;
  switch (tls.kind) {
    case 'files':
      return openCertificateFiles(tls, deps);
    case 'acme': {
      // What speaks ACME is large, and most servers do without.
      const { openAcme } = await import('./acme.ts');
      return openAcme({ stateDir, hosts, ...tls }, deps);
    }
    case 'self-signed':
      return openSelfSigned({ stateDir, hosts }, deps);
  }
}
