/** What a seed says when it is ready. */
export interface Welcome {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly networkId: string;
  readonly urls: readonly string[];
  /** What to say about the range. */
  readonly remark: string | undefined;
  /** While there is no owner. */
  readonly adminUrl: string | undefined;
  readonly joinLink: string;
}

export interface WelcomeOptions {
  /** Of the join link, lines; undefined without a terminal that has room for it. */
  readonly qrCode: string | undefined;
  /** False where the output is kept for others to read. */
  readonly hasLinks: boolean;
}

export function formatWelcome(welcome: Welcome, { qrCode, hasLinks }: WelcomeOptions): string {
  const { name, addresses, networkId, urls, remark, adminUrl, joinLink } = welcome;
  const paragraphs = [
    `${remark === undefined ? '' : `${remark}\n\n`}This machine is ${name}: ${addresses.join(', ')}\nServer:  ${urls.join('\n         ')}\nNetwork: ${networkId}`,
  ];
  if (hasLinks) {
    if (adminUrl !== undefined) {
      paragraphs.push(`The first account is made at, from this machine or a device that joined:\n\n  ${adminUrl}`);
    }
    paragraphs.push(`A device of yours joins, within the hour, by:\n\n  pcloud up '${joinLink}'`);
    if (qrCode !== undefined) paragraphs.push(qrCode.trimEnd());
  } else {
    if (adminUrl !== undefined) paragraphs.push('The first account is made by: pcloud users add --owner NAME');
    paragraphs.push('A join link is made by: pcloud invite');
  }
  return `${paragraphs.join('\n\n')}\n\n`;
}
