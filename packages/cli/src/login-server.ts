import { request } from 'node:https';
import type { JoinTarget } from '@pcloud/daemon';
import { CliError } from './exit.ts';
import { parsePublicUrl } from './settings/parse.ts';

const PATH = '/join/server';
const LIMIT_MS = 10_000;
const MOST_BYTES = 262_144;
const STRANGER = 'not a server of PCloud; check the address';

/**
 * Asks a server which network it belongs to, and checks what it says: the server set is signed by the root that
 * the network's id is the hash of, and has the key of this server.
 * @param pin the network's id, which stands in for a certificate that is trusted
 * @throws CliError
 */
export async function askLoginServer(text: string, pin: string | undefined): Promise<JoinTarget> {
  const url = readUrl(text);
  const { decodeBase64, encodeBase64, openServerSet, parseNetworkId } = await import('@pcloud/netmap');
  if (pin !== undefined && parseNetworkId(pin) === undefined) {
    throw new CliError(
      'usage',
      '--pin: expected the id of the network, 52 letters and digits; "pcloud seed" prints it',
    );
  }
  const said = (await getJson(url, pin !== undefined)) as Partial<Record<string, unknown>> | null;
  const networkId = parseNetworkId(textOf(said?.networkId));
  const channelKey = decodeBase64(textOf(said?.channelKey), 32);
  const signed = decodeBase64(textOf(said?.serverSet));
  if (networkId === undefined || channelKey === undefined || signed === undefined) {
    throw new CliError('notRunning', `${url}: ${STRANGER}`);
  }
  if (pin !== undefined && said?.networkId !== pin) {
    throw new CliError('refused', `${url}: belongs to another network than --pin says; ask whoever runs it for the id`);
  }
  const opened = openServerSet(signed, { networkId });
  const isIn = opened.kind === 'set' && opened.set.servers.some((one) => one.channelKey === encodeBase64(channelKey));
  if (!isIn) throw new CliError('refused', `${url}: cannot prove that it is a server of its network; do not join it`);
  return { urls: [url], networkId: textOf(said?.networkId), channelKey: encodeBase64(channelKey) };
}

function readUrl(text: string): string {
  try {
    return parsePublicUrl(text);
  } catch (error) {
    throw new CliError('usage', `--login-server: ${(error as Error).message}`);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** @param isPinned whether what is said is proved without the certificate */
function getJson(url: string, isPinned: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new CliError('notRunning', `${url}: ${why}`));
    const asking = request(
      `${url}${PATH}`,
      { rejectUnauthorized: !isPinned, signal: AbortSignal.timeout(LIMIT_MS), agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length <= MOST_BYTES) return;
          fail(STRANGER);
          response.destroy();
        });
        response.on('error', (error) => fail(explain(error)));
        response.on('end', () => {
          if (response.statusCode !== 200) return fail(`answers ${response.statusCode}, ${STRANGER}`);
          try {
            resolve(JSON.parse(text));
          } catch {
            fail(STRANGER);
          }
        });
      },
    );
    asking.once('error', (error) => fail(explain(error)));
    asking.end();
  });
}

function explain({ name, code = '', message }: NodeJS.ErrnoException): string {
  if (/CERT|SIGNED|ALTNAME|ISSUER|VERIFY/.test(code)) {
    return `its certificate is not trusted (${code}); name the network's id with --pin, or use a join link`;
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return `what answers there speaks no TLS, ${STRANGER}`;
  const why = name === 'AbortError' ? `no whole answer within ${LIMIT_MS / 1_000} s` : code || message;
  return `cannot be reached (${why}); check the address, and that the server runs`;
}
