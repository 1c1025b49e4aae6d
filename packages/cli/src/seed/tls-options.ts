import type { TlsOptions } from '@pcloud/coordinator';
import { CliError } from '../exit.ts';
import type { GivenSettings } from '../settings/table.ts';

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

/** Where the coordinator's certificate comes from. @throws CliError usage */
export function tlsOf(settings: GivenSettings): TlsOptions {
  const { tlsCertificate: certificate, tlsKey: key, acmeDomains: domains, acmeEmail: email } = settings;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new CliError('usage', '--tls-certificate and --tls-key: one is of no use without the other');
  }
  if (certificate !== undefined && key !== undefined) {
    if (domains !== undefined) throw new CliError('usage', '--acme-domain: of no use with --tls-certificate');
    return { kind: 'files', certificate, key };
  }
  if (domains === undefined) return { kind: 'self-signed' };
  if (email === undefined)
    throw new CliError('usage', '--acme-domain: needs --acme-email, which the authority asks for');
  const caFile = settings.acmeCaFile === undefined ? {} : { caFile: settings.acmeCaFile };
  return { kind: 'acme', directoryUrl: settings.acmeDirectory ?? LETS_ENCRYPT, domains, email, ...caFile };
}
