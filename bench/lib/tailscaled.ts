import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHED = fileURLToPath(new URL('../../.cache/tailscaled', import.meta.url));

/**
 * The tailscaled that `PCLOUD_TAILSCALED` names, or one in `.cache/tailscaled` or on the path; undefined when there
 * is none. It is not needed, so nothing installs it:
 *
 *     GOFLAGS=-mod=mod GOBIN=$PWD/.cache/tailscaled go install tailscale.com/cmd/tailscaled@latest
 */
export function findTailscaled(): string | undefined {
  const { PCLOUD_TAILSCALED: named, PATH = '' } = process.env;
  if (named) return named;
  return [CACHED, ...PATH.split(delimiter)]
    .map((directory) => join(directory, 'tailscaled'))
    .find((path) => existsSync(path));
}
