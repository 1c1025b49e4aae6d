export type TlsOptions =
  | { readonly kind: 'self-signed' }
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string }
  | {
      readonly kind: 'acme';
      readonly directoryUrl: string;
      readonly domains: readonly string[];
      readonly email: string;
      /** A certificate that the directory's own is signed by, where that is not a public one. */
      readonly caFile?: string;
      /** Where the authority asks, by HTTP. Default 80. */
      readonly challengePort?: number;
    };
