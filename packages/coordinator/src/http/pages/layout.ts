/** What all pages have around them. They hold no script, and fit a telephone. */
import { html } from 'hono/html';
import type { Problem } from '../../problem.ts';
import { CSRF_FIELD } from '../csrf.ts';

export type Html = ReturnType<typeof html>;

export const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; padding: 1rem; max-width: 34rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem }
label { display: block; margin: 1rem 0 }
input { display: block; box-sizing: border-box; width: 100%; padding: .6rem; font: inherit }
button { padding: .6rem 1.2rem; font: inherit; margin: .2rem .4rem .2rem 0 }
li { margin: 1rem 0 }
.fault { border-left: .3rem solid #c33; padding: .3rem .8rem }
`;

export function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · PCloud</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
}

export function problemPage({ message }: Problem): Html {
  return page('This did not work', html`${faultLine(message)}<p><a href="/">To the start</a></p>`);
}

export function faultLine(message: string | undefined): Html {
  return message === undefined ? html`` : html`<p class="fault" role="alert">${message}</p>`;
}

export function csrfInput(token: string): Html {
  return html`<input type="hidden" name="${CSRF_FIELD}" value="${token}">`;
}
