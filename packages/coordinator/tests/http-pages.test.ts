import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PASSWORD } from '../src/testing/accounts-rig.ts';
import { openBrowser, tokenOf } from './http-browser.ts';
import { createHttpRig, type HttpRig, PLAIN } from './http-rig.ts';

const NEW_ACCOUNT = { name: 'ann', password: PASSWORD, again: PASSWORD };
const MACHINE = { machineKey: 'AAAA', nodeKey: 'BBBB', source: '198.51.100.9' };

async function signedIn({ app, rig }: HttpRig, name = 'ann') {
  await rig.addUser(name, 'owner');
  const browser = openBrowser(app);
  assert.is((await browser.submit('/sign-in', '/sign-in', { name, password: PASSWORD })).status, 303);
  return browser;
}

const SESSION = '__Host-pcloud-session';

test('the first owner makes an account by the link, once, and is signed in', async () => {
  const { app, rig } = await createHttpRig();
  const path = `/setup/${await rig.ownerLink.issue()}`;
  const browser = openBrowser(app);
  const made = await browser.submit(path, path, NEW_ACCOUNT);
  assert.equal([made.status, made.headers.get('location')], [303, '/']);
  assert.match(await (await browser.get('/')).text(), /<strong>ann<\/strong> \(owner\)/);
  assert.is((await openBrowser(app).get(path)).status, 409);
  assert.is((await openBrowser(app).get('/setup/aaaaaaaa')).status, 409);
});

test('of two that use the first owner’s link at once one wins', async () => {
  const { app, rig } = await createHttpRig();
  const path = `/setup/${await rig.ownerLink.issue()}`;
  const names = ['ann', 'bob'];
  const browsers = names.map(() => openBrowser(app));
  const tokens = await Promise.all(browsers.map(async (browser) => tokenOf(await (await browser.get(path)).text())));
  const made = await Promise.all(
    browsers.map((browser, at) => browser.post(path, { ...NEW_ACCOUNT, name: names[at]!, csrf: tokens[at]! })),
  );
  assert.equal(made.map(({ status }) => status).sort(), [303, 409]);
  assert.is((await rig.users.list()).length, 1);
});

test('a wrong or expired first link says so and makes nothing', async () => {
  const { app, rig } = await createHttpRig();
  const secret = await rig.ownerLink.issue();
  assert.is((await openBrowser(app).get('/setup/wrong')).status, 404);
  rig.advance(8 * 86_400_000);
  assert.is((await openBrowser(app).get(`/setup/${secret}`)).status, 410);
  assert.is((await rig.users.list()).length, 0);
});

test('passwords that differ or are weak are said on the form, and the link stays', async () => {
  const { app, rig } = await createHttpRig();
  const path = `/setup/${await rig.ownerLink.issue()}`;
  const browser = openBrowser(app);
  const differ = await browser.submit(path, path, { ...NEW_ACCOUNT, again: 'other' });
  assert.is(differ.status, 400);
  assert.match(await differ.text(), /role="alert">the two passwords are not the same/);
  assert.is((await browser.submit(path, path, { name: 'ann', password: 'short', again: 'short' })).status, 400);
  assert.is((await browser.submit(path, path, NEW_ACCOUNT)).status, 303);
});

test('an invitation makes one account of its role', async () => {
  const { app, rig } = await createHttpRig();
  const { secret } = await rig.invitations.create(rig.root, { role: 'admin' });
  const path = `/register/${secret}`;
  const browser = openBrowser(app);
  assert.is((await browser.submit(path, path, { ...NEW_ACCOUNT, name: 'bob' })).status, 303);
  assert.is((await rig.users.find('bob'))?.role, 'admin');
  assert.is((await openBrowser(app).get(path)).status, 409);
  assert.is((await openBrowser(app).get('/register')).status, 403);
});

test('where registration is open anybody becomes a member', async () => {
  const { app, rig } = await createHttpRig({ openRegistration: true });
  assert.is((await openBrowser(app).submit('/register', '/register', { ...NEW_ACCOUNT, name: 'cid' })).status, 303);
  assert.is((await rig.users.find('cid'))?.role, 'member');
});

test('the session’s cookie is for this host, TLS and no script, and of no other name in the clear', async () => {
  const { app, rig } = await createHttpRig();
  await rig.addUser('ann', 'owner');
  const fields = { name: 'ann', password: PASSWORD };
  const signed = await openBrowser(app).submit('/sign-in', '/sign-in', fields);
  const [cookie] = signed.headers.getSetCookie().filter((line) => line.includes('-session='));
  for (const flag of [/^__Host-pcloud-session=/, /; HttpOnly/, /; Secure/, /; SameSite=Strict/, /; Path=\/(?:;|$)/]) {
    assert.match(cookie!, flag);
  }
  assert.not.match(cookie!, 'Domain');
  const plain = await openBrowser(app, PLAIN).submit('/sign-in', '/sign-in', fields);
  const [clear] = plain.headers.getSetCookie().filter((line) => line.includes('-session='));
  assert.match(clear!, /^pcloud-session=/);
  assert.match(clear!, /; HttpOnly/);
  assert.match(clear!, /; SameSite=Strict/);
});

test('signing in begins a session of its own, whatever cookie there was, and ends that one', async () => {
  const { app, rig } = await createHttpRig();
  await rig.addUser('ann', 'owner');
  const planted = openBrowser(app);
  planted.cookies.set(SESSION, 'planted');
  await planted.submit('/sign-in', '/sign-in', { name: 'ann', password: PASSWORD });
  const first = planted.cookies.get(SESSION)!;
  assert.is.not(first, 'planted');
  const victim = openBrowser(app);
  const token = tokenOf(await (await victim.get('/sign-in')).text());
  victim.cookies.set(SESSION, first);
  await victim.post('/sign-in', { name: 'ann', password: PASSWORD, csrf: token });
  assert.is.not(victim.cookies.get(SESSION), first);
  assert.is((await planted.get('/sessions')).status, 401);
});

test('a wrong password and an unknown name are one answer, and guessing ends', async () => {
  const { app, rig } = await createHttpRig();
  await rig.addUser('ann', 'owner');
  const browser = openBrowser(app);
  const wrong = await browser.submit('/sign-in', '/sign-in', { name: 'ann', password: 'not this one at all' });
  const unknown = await browser.submit('/sign-in', '/sign-in', { name: 'eve', password: 'not this one at all' });
  assert.equal([wrong.status, unknown.status], [401, 401]);
  assert.is(await wrong.text(), await unknown.text());
  for (let count = 0; count < 9; count++) {
    await browser.submit('/sign-in', '/sign-in', { name: 'ann', password: 'not this one at all' });
  }
  const limited = await browser.submit('/sign-in', '/sign-in', { name: 'ann', password: PASSWORD });
  assert.is(limited.status, 429);
  assert.ok(Number(limited.headers.get('retry-after')) > 0);
});

test('every form without its token, or with that of another session, does nothing', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const other = await signedIn(rig, 'bob');
  const foreign = tokenOf(await (await other.get('/')).text());
  const forms: [string, Record<string, string>][] = [
    ['/sign-in', { name: 'ann', password: PASSWORD }],
    ['/sign-out', {}],
    ['/sessions/end', { id: 'x' }],
    ['/approve', { code: 'x' }],
    ['/approve/decide', { code: 'x', decision: 'approve' }],
    ['/adopt', { node: 'x' }],
    ['/password', { current: PASSWORD, password: 'another long password', again: 'another long password' }],
    [`/register/${(await rig.rig.invitations.create(rig.rig.root, { role: 'member' })).secret}`, NEW_ACCOUNT],
  ];
  const pages = rig.app.routes.filter(({ method, path }) => method === 'POST' && !path.startsWith('/api'));
  const known = forms.map(([path]) => path.replace(/^(\/register)\/.*/, '$1/:secret'));
  const alike = ['/setup/:secret', '/register'];
  assert.equal(
    pages.map(({ path }) => path).filter((path) => !known.includes(path)),
    alike,
    'all forms are here',
  );
  for (const [path, fields] of forms) {
    for (const csrf of [undefined, '', foreign]) {
      const answer = await browser.post(path, csrf === undefined ? fields : { ...fields, csrf });
      assert.is(answer.status, 403, `${path} with ${csrf}`);
    }
  }
  assert.is((await browser.get('/sessions')).status, 200);
  assert.is((await rig.rig.users.list()).length, 2);
});

test('owners are asked for the recovery kit until the root is off the disk, and nobody else is', async () => {
  let isRootHere = true;
  const rig = await createHttpRig({ isRootHere: () => isRootHere });
  const browser = await signedIn(rig);
  await rig.rig.addUser('eve', 'admin');
  const other = openBrowser(rig.app);
  await other.submit('/sign-in', '/sign-in', { name: 'eve', password: PASSWORD });
  assert.match(await (await browser.get('/')).text(), 'pcloud recovery take');
  assert.not.match(await (await other.get('/')).text(), 'recovery');
  isRootHere = false;
  assert.not.match(await (await browser.get('/')).text(), 'recovery');
});

test('signing out ends the session, not only its cookie', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const secret = browser.cookies.get(SESSION)!;
  assert.is((await browser.submit('/', '/sign-out', {})).headers.get('location'), '/sign-in');
  assert.is(browser.cookies.has(SESSION), false);
  browser.cookies.set(SESSION, secret);
  assert.is((await browser.get('/sessions')).status, 401);
});

test('a new password ends every session but the one that is begun with it', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const elsewhere = openBrowser(rig.app);
  await elsewhere.submit('/sign-in', '/sign-in', { name: 'ann', password: PASSWORD });
  const before = browser.cookies.get(SESSION)!;
  const next = 'another password of many words';
  const wrong = await browser.submit('/password', '/password', { current: 'wrong', password: next, again: next });
  assert.is(wrong.status, 401);
  const changed = await browser.submit('/password', '/password', { current: PASSWORD, password: next, again: next });
  assert.is(changed.status, 303);
  assert.is((await browser.get('/sessions')).status, 200);
  assert.is((await elsewhere.get('/sessions')).status, 401);
  browser.cookies.set(SESSION, before);
  assert.is((await browser.get('/sessions')).status, 401);
});

test('the list of sessions shows where one is signed in, and ends one', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const phone = openBrowser(rig.app);
  await phone.submit('/sign-in', '/sign-in', { name: 'ann', password: PASSWORD });
  const list = await (await browser.get('/sessions')).text();
  assert.is(list.match(/Firefox, from 127\.0\.0\.1/g)?.length, 2);
  const ann = (await rig.rig.users.find('ann'))!;
  const phoneId = (await rig.rig.sessions.check(phone.cookies.get(SESSION)!)).session.id;
  assert.is((await rig.rig.sessions.list(rig.rig.root, ann.id)).length, 2);
  assert.is((await browser.submit('/sessions', '/sessions/end', { id: phoneId })).status, 303);
  assert.is((await phone.get('/sessions')).status, 401);
});

test('nobody ends the session of another owner', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const member = openBrowser(rig.app);
  await rig.rig.addUser('eve', 'member');
  await member.submit('/sign-in', '/sign-in', { name: 'eve', password: PASSWORD });
  const { id } = (await rig.rig.sessions.check(browser.cookies.get(SESSION)!)).session;
  assert.is((await member.submit('/sessions', '/sessions/end', { id })).status, 404);
  assert.is((await browser.get('/sessions')).status, 200);
});

test('a typed code shows the device, by name and source, before it is let in', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const { code } = await rig.rig.approvals.request({ ...MACHINE, name: '<b>laptop</b>' });
  const shown = await (await browser.submit('/approve', '/approve', { code: ` ${code.toLowerCase()} ` })).text();
  assert.match(shown, '&lt;b&gt;laptop&lt;/b&gt;');
  assert.not.match(shown, '<b>');
  assert.match(shown, MACHINE.source);
  assert.is(await rig.rig.approvals.admit(code, MACHINE), 'pending');
  const decided = await browser.post('/approve/decide', { csrf: tokenOf(shown), code, decision: 'approve' });
  assert.match(await decided.text(), 'was let in');
  const admitted = await rig.rig.approvals.admit(code, MACHINE);
  assert.is((admitted as { userId: string }).userId, (await rig.rig.users.find('ann'))?.id);
});

test('a device can be turned away, a wrong code is said on the form, and no link fills one in', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const { code } = await rig.rig.approvals.request({ ...MACHINE, name: 'laptop' });
  assert.not.match(await (await browser.get(`/approve?code=${code}`)).text(), code);
  const wrong = await browser.submit('/approve', '/approve', { code: 'BCDF-GHJK' });
  assert.is(wrong.status, 404);
  assert.match(await wrong.text(), 'no machine shows this code');
  const neither = await browser.submit('/approve', '/approve/decide', { code, decision: 'perhaps' });
  assert.is(neither.status, 400);
  assert.is((await browser.submit('/approve', '/approve/decide', { code, decision: 'deny' })).status, 200);
  assert.equal(await rig.rig.approvals.admit(code, MACHINE), { refusal: 'APPROVAL_DENIED' });
});

test('a session begun on a device of the network ends with the device', async () => {
  const rig = await createHttpRig({ nodeAt: (address) => (address === '127.0.0.1' ? 'n1' : undefined) });
  const browser = await signedIn(rig);
  assert.is(await rig.rig.sessions.endOfNode('n1'), 1);
  assert.is((await browser.get('/sessions')).status, 401);
});

test('pages load nothing from elsewhere, hold no script, and fit a telephone', async () => {
  const rig = await createHttpRig();
  const browser = await signedIn(rig);
  const paths = ['/', '/sessions', '/approve', '/password', '/nowhere'];
  for (const path of paths) {
    const text = await (await browser.get(path)).text();
    assert.not.match(text, /<script|javascript:|style="| on[a-z]+=|\/\/[a-z]/i, path);
    assert.match(text, 'width=device-width', path);
  }
  assert.match(await (await openBrowser(rig.app).get('/sign-in')).text(), 'width=device-width');
});

test.run();
