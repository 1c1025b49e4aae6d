/** As much of a browser as the pages need, on a host of a lab: what is sent is what curl sends. */
import type { Host } from '../../lab/index.ts';

export interface Page {
  readonly status: number;
  /** Of the headers. */
  readonly location: string | undefined;
  readonly text: string;
}

export interface Browser {
  get(url: string): Promise<Page>;
  /** Loads a page, fills its form in, sends it where the form says, and follows where that leads. */
  submit(url: string, fields: Readonly<Record<string, string>>): Promise<Page>;
  /** As `submit`, of a page that is open. */
  send(page: Page, url: string, fields: Readonly<Record<string, string>>): Promise<Page>;
}

let browsers = 0;

export function openBrowser(host: Host): Browser {
  browsers += 1;
  const jar = `/run/cookies-${browsers}`;

  async function curl(url: string, ...more: readonly string[]): Promise<Page> {
    const words = ['curl', '--silent', '--show-error', '--include', '--max-time', '10', '--cookie', jar];
    const { stdout } = await host.run([...words, '--cookie-jar', jar, ...more, url]);
    const [head = '', ...body] = stdout.split('\r\n\r\n');
    const status = Number(/^HTTP\/\S+ (\d+)/.exec(head)?.[1]);
    return { status, location: /^location: (.*)$/im.exec(head)?.[1]?.trim(), text: body.join('\r\n\r\n') };
  }

  async function send(page: Page, url: string, fields: Readonly<Record<string, string>>): Promise<Page> {
    const { origin } = new URL(url);
    const action = new URL(/<form[^>]* action="([^"]+)"/.exec(page.text)?.[1] ?? url, url).href;
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
    const form = new URLSearchParams({
      ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])),
      ...fields,
    });
    const headers = ['--header', `Origin: ${origin}`, '--header', 'Sec-Fetch-Site: same-origin'];
    const answer = await curl(action, ...headers, '--data', form.toString());
    return answer.location === undefined ? answer : curl(new URL(answer.location, action).href);
  }

  return {
    get: (url) => curl(url),
    send,
    async submit(url, fields) {
      return send(await curl(url), url, fields);
    },
  };
}
