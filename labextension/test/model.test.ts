import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GovernModel, MAX_SETTLED, SETTLED_SHOWN_MS } from '../src/model';
import { GovernProblem } from '../src/problem';
import type { IGovernServer } from '../src/server';
import type { IApproval, ISession, ISessionDetail, IStatus, ITarget, IVerdict } from '../src/wire';

/** A server whose answers a test sets; `asked` counts what was asked of it. */
class FakeServer implements IGovernServer {
  asked: string[] = [];
  subject: string | null = 'ben';
  reachable = true;
  problem: GovernProblem | null = null;
  approvals: IApproval[] = [];

  private async _answer<T>(what: string, value: () => T): Promise<T> {
    this.asked.push(what);
    await Promise.resolve();
    if (this.problem !== null && what !== 'status') {
      throw this.problem;
    }
    return value();
  }

  private _status(pending = false): IStatus {
    return {
      gateway: { url: 'http://gateway', reachable: this.reachable, error: '' },
      login: this.subject === null ? null : { subject: this.subject, groups: ['dba'], expires_at: '2099-01-01T00:00:00Z' },
      login_pending: pending ? { user_code: 'ABCD', verification_uri_complete: 'http://gateway/device?user_code=ABCD' } : null
    };
  }

  status = (): Promise<IStatus> => this._answer('status', () => this._status());
  login = (): Promise<IStatus> => this._answer('login', () => this._status(true));
  logout = (): Promise<IStatus> => {
    this.subject = null;
    return this._answer('logout', () => this._status());
  };
  pendingApprovals = (): Promise<IApproval[]> =>
    this._answer('approvals', () => this.approvals.filter(one => one.state === 'pending'));
  approval = (number: number): Promise<IApproval> =>
    this._answer('approval', () => {
      const found = this.approvals.find(one => one.number === number);
      if (!found) {
        throw new GovernProblem(404, 'not-found', 'no');
      }
      return found;
    });
  targets = (): Promise<ITarget[]> => this._answer('targets', () => []);
  sessionList: ISession[] = [];
  sessions = (_limit = 0, notebook = ''): Promise<ISession[]> =>
    this._answer(notebook ? `sessions of ${notebook}` : 'sessions', () => (notebook ? this.sessionList : []));
  session = (id: string): Promise<ISessionDetail> =>
    this._answer(`session ${id}`, () => ({ session: { id } as ISession, operations: [] }));
  verify = (): Promise<IVerdict> => this._answer('verify', () => ({ ok: true, entries: 4 }));
}

const approval = (number: number, more: Partial<IApproval> = {}): IApproval => ({
  number,
  state: 'pending',
  actor: { subject: 'ana', groups: ['analysts'] },
  target: 'shop',
  statement: 'delete from orders',
  rule: 'r',
  because: 'b',
  created_at: 0,
  expires_at: 900,
  url: `http://gateway/approvals/${number}`,
  may_decide: true,
  ...more
});

async function started(server: FakeServer, clock = (): number => 0): Promise<{ model: GovernModel; arrived: number[] }> {
  const model = new GovernModel(server, clock);
  const arrived: number[] = [];
  model.arrived.connect((_, one) => arrived.push(one.number));
  await model.refresh();
  return { model, arrived };
}

test('a first look reads the status, then every list once', async () => {
  const server = new FakeServer();
  const { model } = await started(server);
  assert.deepEqual(server.asked.sort(), ['approvals', 'sessions', 'status', 'targets']);
  assert.equal(model.subject, 'ben');
});

test('nobody logged in: nothing but the status is asked', async () => {
  const server = new FakeServer();
  server.subject = null;
  const { model } = await started(server);
  await model.heard({ kind: 'approval', state: 'pending', number: 1 });
  await model.heard({ kind: 'session', state: 'open', id: 'x' });
  assert.deepEqual(server.asked, ['status']);
});

test('what waits at the first look is no news; what comes after is, once', async () => {
  const server = new FakeServer();
  server.approvals = [approval(1)];
  const { model, arrived } = await started(server);
  assert.deepEqual(arrived, []);
  server.approvals.push(approval(2));
  await model.heard({ kind: 'approval', state: 'pending', number: 2 });
  await model.heard({ kind: 'approval', state: 'pending', number: 2 });
  assert.deepEqual(arrived, [2]);
});

test('own requests, and those the gateway does not offer, are never for me to decide', async () => {
  const server = new FakeServer();
  const { model, arrived } = await started(server);
  server.approvals = [approval(1, { actor: { subject: 'ben', groups: [] } }), approval(2, { may_decide: false }), approval(3, { may_decide: undefined }), approval(4)];
  await model.refreshApprovals();
  assert.deepEqual(arrived, [4]);
  assert.deepEqual(model.toDecide.map(one => one.number), [4]);
  assert.deepEqual(model.waiting.map(one => one.number), [1, 2, 3]);
});

test('a decided approval stays for a while with its result, then goes', async () => {
  let now = 0;
  const server = new FakeServer();
  server.approvals = [approval(1), approval(2)];
  const { model } = await started(server, () => now);
  server.approvals = [approval(1, { state: 'approved', decided_by: 'ben' })]; // and 2 is not ours to see any more
  await model.heard({ kind: 'approval', state: 'approved', number: 1 });
  assert.deepEqual(model.settled.map(one => one.approval.state).sort(), ['approved', 'gone']);
  now = SETTLED_SHOWN_MS + 1;
  assert.deepEqual(model.settled, []);
});

test('the list of settled ones is bounded', async () => {
  const server = new FakeServer();
  server.approvals = Array.from({ length: 40 }, (_, at) => approval(at));
  const { model } = await started(server);
  server.approvals = [];
  await model.refreshApprovals();
  assert.equal(model.settled.length, MAX_SETTLED);
});

test('a burst of events is at most two requests', async () => {
  const server = new FakeServer();
  const { model } = await started(server);
  server.asked = [];
  await Promise.all(Array.from({ length: 20 }, () => model.heard({ kind: 'approval', state: 'pending', number: 1 })));
  assert.deepEqual(server.asked, ['approvals', 'approvals']);
});

test('a failed refresh keeps what was known and says why', async () => {
  const server = new FakeServer();
  server.approvals = [approval(1)];
  const { model } = await started(server);
  server.problem = new GovernProblem(500, 'http-500', 'broken');
  await model.refreshApprovals();
  assert.equal(model.approvals.problem?.message, 'broken');
  assert.deepEqual(model.toDecide.map(one => one.number), [1]);
  server.problem = null;
  await model.refreshApprovals();
  assert.equal(model.approvals.problem, null);
});

test('a login that ended at the gateway shows as logged out, and nothing of before stays', async () => {
  const server = new FakeServer();
  server.approvals = [approval(1)];
  const { model } = await started(server);
  server.problem = new GovernProblem(409, 'login-required', 'log in');
  server.subject = null;
  await model.refreshApprovals();
  assert.equal(model.subject, null);
  assert.deepEqual(model.toDecide, []);
  assert.equal(model.approvals.problem, null);
});

test('another person after a login sees nothing of the one before', async () => {
  const server = new FakeServer();
  server.approvals = [approval(1)];
  const { model, arrived } = await started(server);
  await model.openSession('s1');
  await model.logout();
  assert.deepEqual([model.toDecide.length, model.targets.value, model.detail('s1').value], [0, null, null]);
  server.subject = 'eve';
  server.approvals = [approval(2)];
  await model.heard({ kind: 'login', state: 'logged-in' });
  assert.equal(model.subject, 'eve');
  assert.deepEqual(arrived, []);
  assert.deepEqual(model.toDecide.map(one => one.number), [2]);
});

test('login gives the address of the gateway page, and null where it cannot begin', async () => {
  const server = new FakeServer();
  server.subject = null;
  const { model } = await started(server);
  assert.equal(await model.login(), 'http://gateway/device?user_code=ABCD');
  const other = new FakeServer();
  other.subject = null;
  other.problem = new GovernProblem(502, 'gateway-unreachable', 'no gateway');
  const refused = (await started(other)).model;
  assert.equal(await refused.login(), null);
  assert.equal(refused.status.problem?.message, 'no gateway');
});

test('lists are read again when the gateway comes back', async () => {
  const server = new FakeServer();
  const { model } = await started(server);
  server.reachable = false;
  await model.refresh();
  assert.equal(model.subject, null);
  server.reachable = true;
  server.asked = [];
  await model.refresh();
  assert.deepEqual(server.asked.sort(), ['approvals', 'sessions', 'status', 'targets']);
});

test('a session that is followed is read again with the list, one that was closed is not', async () => {
  const server = new FakeServer();
  const { model } = await started(server);
  await model.openSession('s1');
  server.asked = [];
  await model.heard({ kind: 'session', state: 'changed', id: 's1' });
  assert.deepEqual(server.asked, ['sessions', 'session s1']);
  model.closeSession('s1');
  server.asked = [];
  await model.heard({ kind: 'session', state: 'changed', id: 's1' });
  assert.deepEqual(server.asked, ['sessions']);
  await model.verify('s1');
  assert.deepEqual(model.verdict('s1').value, { ok: true, entries: 4 });
});

test('the timeline follows the notebook in front, and reads only what is the person\'s own', async () => {
  const server = new FakeServer();
  const session = (id: string, actor: string): ISession =>
    ({ id, actor, target: 'shop', protocol: 'postgresql', opened_at: 0, operations: 1, notebook: 'q.ipynb' });
  server.sessionList = [session('s1', 'ben'), session('s2', 'ana')];
  const model = new GovernModel(server);
  await model.refresh();
  assert.equal(model.timeline.value, null);
  model.notebook = 'q.ipynb';
  await model.refreshTimeline();
  assert.deepEqual(model.timeline.value, []);
  assert.ok(server.asked.includes('sessions of q.ipynb') && server.asked.includes('session s1'));
  assert.ok(!server.asked.includes('session s2'));
  server.asked = [];
  await model.heard({ kind: 'session', state: 'open', id: 's1' });
  assert.ok(server.asked.includes('session s1'));
  model.notebook = '';
  assert.equal(model.timeline.value, null);
  await model.logout();
  assert.equal(model.timeline.value, null);
});
