/** As much of a browser as the pages need: cookies, forms, and what it says of itself. */
import type { HttpApp } from '../src/http/app.ts';
import type { Connection } from '../src/http/connection.ts';
import { HOST, INSIDE } from './http-rig.ts';

export interface Browser {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form with its page's token. */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  /** Loads a page and sends its form, fields filled in. */
  submit(page: string, action: string, fields: Record<string, string>): Promise<Response>;
}

export function openBrowser(app: HttpApp, connection: Connection = INSIDE): Browser {
  const cookies = new Map<string, string>();
  const scheme = connection.isEncrypted ? 'https' : 'http';
  const origin = `${scheme}://${HOST}`;

  async function send(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { host: HOST, 'user-agent': 'Firefox', ...(cookie !== '' && { cookie }), ...init.headers };
    const response = await app.request(`${origin}${path}`, { ...init, headers }, { connection });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/max-age=0/i.test(line)) cookies.delete(name!);
      else cookies.set(name!, value!);
    }
    return response;
  }

  const post: Browser['post'] = (path, fields, headers = {}) =>
    send(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin,
        'sec-fetch-site': 'same-origin',
        ...headers,
      },
    });
  return {
    cookies,
    get: (path, headers = {}) => send(path, { headers }),
    post,
    async submit(page, action, fields) {
      const text = await (await send(page, { headers: {} })).text();
      return post(action, { csrf: tokenOf(text), ...fields });
    },
  };
}

export function tokenOf(html: string): string {
  return /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
}
