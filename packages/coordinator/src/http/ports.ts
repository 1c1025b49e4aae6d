/** Ports taken before there is anything to answer on them, so that nobody is told of one that somebody else has. */
import { createServer, type Server } from 'node:net';
import { CoordinatorError } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Where to take connections, by TLS. */
export interface ListenPlace {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** By which others reach it, where it may also not be had: then it is left out. */
  readonly optionalUrls?: readonly string[];
}

export interface TakenPlace extends ListenPlace {
  /** Holds the port until a listener takes it over. */
  readonly holder?: Server;
}

const NOT_TO_BE_HAD: ReadonlySet<string | undefined> = new Set(['EADDRINUSE', 'EACCES', 'EPERM']);

/**
 * Takes the optional ones of places, and leaves out those that are in use or not permitted; the others are taken
 * when they are listened on.
 * @throws CoordinatorError LISTEN_FAILED
 */
export async function takePlaces(
  places: readonly ListenPlace[],
  log: Pick<Logger, 'info'>,
): Promise<{ readonly places: readonly TakenPlace[]; release(): void }> {
  const taken: TakenPlace[] = [];
  const release = (): void => {
    for (const { holder } of taken) holder?.close();
  };
  for (const place of places) {
    if (place.optionalUrls === undefined) {
      taken.push(place);
      continue;
    }
    const { address, port } = place;
    try {
      taken.push({ ...place, holder: await hold(address, port) });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (NOT_TO_BE_HAD.has(code)) {
        log.info({ address, port, code }, 'a port is left to others');
        continue;
      }
      release();
      throw new CoordinatorError('LISTEN_FAILED', `${address} port ${port}: ${message}`, { cause: error });
    }
  }
  return { places: taken, release };
}

/** Who comes before the listener is there comes again. */
function hold(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server);
    });
  });
}
