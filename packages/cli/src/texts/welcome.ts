/** What a seed says when it is ready. */
export interface Welcome {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly networkId: string;
  readonly urls: readonly string[];
  /** What to say about the range. */
  readonly remark: string | undefined;
  /** Whether the recovery kit is still to be taken. */
  readonly isRootHere: boolean;
  /** Whether there is an owner. */
  readonly isOwned: boolean;
  /** Left out where the output is kept for others to read. */
  readonly links?: {
    /** While there is no owner. */
    readonly adminUrl: string | undefined;
    readonly joinLink: string;
  };
}

/** What the seed's machine says until its recovery kit was confirmed. */
export const REMINDER =
  'The root of this network is on this disk, where a thief would find it. Take it away, as words or a file:\n"pcloud recovery take --words", then "pcloud recovery confirm".';

/** @param qrCode of the join link, lines; undefined without a terminal that has room for it */
export function formatWelcome(welcome: Welcome, qrCode: string | undefined): string {
  const { name, addresses, networkId, urls, remark, isRootHere, isOwned, links } = welcome;
  const paragraphs = [
    `${remark === undefined ? '' : `${remark}\n\n`}This machine is ${name}: ${addresses.join(', ')}\nServer:  ${urls.join('\n         ')}\nNetwork: ${networkId}`,
  ];
  if (links) {
    if (links.adminUrl !== undefined) {
      paragraphs.push(
        `The first account is made at, from this machine or a device that joined:\n\n  ${links.adminUrl}`,
      );
    }
    paragraphs.push(`A device of yours joins, within the hour, by:\n\n  pcloud up '${links.joinLink}'`);
    if (qrCode !== undefined) paragraphs.push(qrCode.trimEnd());
  } else {
    if (!isOwned) paragraphs.push('The first account is made by: pcloud users add --owner NAME');
    paragraphs.push('A join link is made by: pcloud invite');
  }
  if (isRootHere) paragraphs.push(REMINDER);
  return `${paragraphs.join('\n\n')}\n\n`;
}
