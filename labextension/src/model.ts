/**
 * What the panel shows, and when it is asked for anew. No React and no DOM in here.
 *
 * The gateway's events only say that something changed; what it is now is always read anew, so a lost or doubled event
 * does no harm. The model cannot decide an approval, and must not learn to.
 */
import { type ISignal, Signal } from '@lumino/signaling';

import { coalesced } from './coalesce';
import type { ICellRun } from './grouping';
import { asProblem, type GovernProblem } from './problem';
import type { IGovernServer } from './server';
import { timeline, timelineSessions } from './timeline';
import type {
  IApproval,
  IGovernEvent,
  ISession,
  ISessionDetail,
  IStatus,
  ITarget,
  IVerdict
} from './wire';

export const SETTLED_SHOWN_MS = 60_000;
export const MAX_SETTLED = 10;
export const DEFAULT_SESSIONS_SHOWN = 20;

/** A list as it was last read, and what went wrong with the last attempt. */
export interface ILoaded<T> {
  readonly value: T | null;
  readonly problem: GovernProblem | null;
}

/** An approval that was pending on this page and is not any more. */
export interface ISettled {
  readonly approval: IApproval;
  readonly at: number;
}

const NOTHING: ILoaded<never> = { value: null, problem: null };

export class GovernModel {
  constructor(
    private readonly _server: IGovernServer,
    private readonly _clock: () => number = Date.now
  ) {}

  /** Some part of the state is new. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Somebody else's statement began to wait for a decision that the person logged in may take. */
  get arrived(): ISignal<this, IApproval> {
    return this._arrived;
  }

  /** An approval that was pending here was decided, withdrawn or expired. */
  get settledNow(): ISignal<this, IApproval> {
    return this._settledNow;
  }

  get status(): ILoaded<IStatus> {
    return this._status;
  }

  get approvals(): ILoaded<IApproval[]> {
    return this._approvals;
  }

  get targets(): ILoaded<ITarget[]> {
    return this._targets;
  }

  get sessions(): ILoaded<ISession[]> {
    return this._sessions;
  }

  /** Those settled a short while ago, the latest first. */
  get settled(): readonly ISettled[] {
    const since = this._clock() - SETTLED_SHOWN_MS;
    return this._settled.filter(one => one.at > since);
  }

  /** The person logged in at the gateway, or null. */
  get subject(): string | null {
    const status = this._status.value;
    return status?.gateway.reachable ? (status.login?.subject ?? null) : null;
  }

  /** Whether this is for the person logged in to decide: the gateway says so, and nobody decides their own. */
  mayDecide(approval: IApproval): boolean {
    return approval.may_decide === true && approval.actor.subject !== this.subject;
  }

  /** Pending ones the person may decide. */
  get toDecide(): IApproval[] {
    return (this._approvals.value ?? []).filter(one => this.mayDecide(one));
  }

  /** Pending ones that wait for somebody else. */
  get waiting(): IApproval[] {
    return (this._approvals.value ?? []).filter(one => !this.mayDecide(one));
  }

  detail(id: string): ILoaded<ISessionDetail> {
    return this._details.get(id) ?? NOTHING;
  }

  verdict(id: string): ILoaded<IVerdict> {
    return this._verdicts.get(id) ?? NOTHING;
  }

  set sessionsShown(limit: number) {
    this._sessionsShown = limit;
  }

  readonly refreshStatus = coalesced(async () => {
    await this._take(() => this._server.status());
  });

  readonly refreshApprovals = coalesced(async () => {
    if (this.subject === null) {
      return;
    }
    const loaded = await load(this._approvals, this._server.pendingApprovals());
    await this._compare(this._approvals.value, loaded.value);
    await this._settle(() => (this._approvals = loaded), loaded);
  });

  readonly refreshTargets = coalesced(async () => {
    if (this.subject !== null) {
      const loaded = await load(this._targets, this._server.targets());
      await this._settle(() => (this._targets = loaded), loaded);
    }
  });

  readonly refreshSessions = coalesced(async () => {
    if (this.subject === null) {
      return;
    }
    const loaded = await load(
      this._sessions,
      this._server.sessions(this._sessionsShown)
    );
    await this._settle(() => (this._sessions = loaded), loaded);
    await Promise.all([...this._open].map(id => this._loadDetail(id)));
  });

  /** The notebook in front: its path, or "" where there is none. */
  get notebook(): string {
    return this._notebook;
  }

  set notebook(path: string) {
    if (path !== this._notebook) {
      this._notebook = path;
      this._timeline = NOTHING;
      this._changed.emit();
      void this.refreshTimeline();
    }
  }

  /** What the cells of the notebook in front did, the latest first. */
  get timeline(): ILoaded<ICellRun[]> {
    return this._timeline;
  }

  readonly refreshTimeline = coalesced(async () => {
    const notebook = this._notebook;
    if (this.subject === null || notebook === '') {
      return;
    }
    const loaded = await load(this._timeline, this._readTimeline(notebook));
    if (notebook === this._notebook) {
      await this._settle(() => (this._timeline = loaded), loaded);
    }
  });

  private async _readTimeline(notebook: string): Promise<ICellRun[]> {
    const sessions = await this._server.sessions(this._sessionsShown, notebook);
    const mine = timelineSessions(sessions, notebook, this.subject);
    const details = await Promise.all(mine.map(one => this._server.session(one.id)));
    return timeline(details, notebook);
  }

  /** Everything anew; for the slow refresh and for people who press the button. */
  async refresh(): Promise<void> {
    const before = this.subject;
    await this.refreshStatus();
    if (this.subject !== null && this.subject === before) {
      await this._refreshLists();
    }
  }

  /** Begin a login; the address of the gateway's page to open, or null where it cannot begin. */
  async login(): Promise<string | null> {
    await this._take(() => this._server.login());
    return this._status.value?.login_pending?.verification_uri_complete ?? null;
  }

  async logout(): Promise<void> {
    await this._take(() => this._server.logout());
  }

  /** Follow one session's statements. */
  async openSession(id: string): Promise<void> {
    this._open.add(id);
    await this._loadDetail(id);
  }

  closeSession(id: string): void {
    this._open.delete(id);
  }

  /** Have the gateway check a session's recording. */
  async verify(id: string): Promise<void> {
    const loaded = await load(NOTHING, this._server.verify(id));
    await this._settle(() => this._verdicts.set(id, loaded), loaded);
  }

  /** An event of the gateway's arrived. */
  async heard(event: IGovernEvent): Promise<void> {
    switch (event.kind) {
      case 'approval':
        await Promise.all([this.refreshApprovals(), this.refreshTimeline()]);
        break;
      case 'session':
        await Promise.all([this.refreshSessions(), this.refreshTimeline()]);
        break;
      case 'login':
        await this.refreshStatus();
        break;
    }
  }

  private async _refreshLists(): Promise<void> {
    await Promise.all([
      this.refreshApprovals(),
      this.refreshTargets(),
      this.refreshSessions(),
      this.refreshTimeline()
    ]);
  }

  /** Take a new status in; another person (or nobody) means other lists. */
  private async _take(ask: () => Promise<IStatus>): Promise<void> {
    const before = this._status.value?.login?.subject ?? null;
    const wasReachable = this.subject !== null;
    const { value, problem } = await load(NOTHING, ask());
    // a failed request says nothing about who is logged in: the last status stays, with the problem beside it
    this._status = { value: value ?? this._status.value, problem };
    const after = this._status.value?.login?.subject ?? null;
    if (after !== before) {
      this._forget();
    }
    this._changed.emit();
    if (this.subject !== null && (after !== before || !wasReachable)) {
      await this._refreshLists();
    }
  }

  /** Keep what was read. A login that has ended shows in the status, not as an error in each list. */
  private async _settle(
    keep: () => void,
    loaded: ILoaded<unknown>
  ): Promise<void> {
    if (
      loaded.problem?.code === 'login-required' ||
      loaded.problem?.code === 'gateway-unreachable'
    ) {
      await this.refreshStatus();
      if (this.subject === null) {
        return;
      }
    }
    keep();
    this._changed.emit();
  }

  private async _compare(
    before: IApproval[] | null,
    after: IApproval[] | null
  ): Promise<void> {
    if (before === null || after === null) {
      return; // the first look is no news
    }
    const now = new Set(after.map(one => one.number));
    const then = new Set(before.map(one => one.number));
    const gone = before.filter(one => !now.has(one.number));
    await Promise.all(gone.map(one => this._note(one)));
    for (const one of after) {
      if (!then.has(one.number) && this.mayDecide(one)) {
        this._arrived.emit(one);
      }
    }
  }

  private async _note(gone: IApproval): Promise<void> {
    let approval: IApproval;
    try {
      approval = await this._server.approval(gone.number);
    } catch {
      approval = { ...gone, state: 'gone' }; // not ours to see any more
    }
    this._settled = [{ approval, at: this._clock() }, ...this._settled].slice(
      0,
      MAX_SETTLED
    );
    this._settledNow.emit(approval);
  }

  private async _loadDetail(id: string): Promise<void> {
    const loaded = await load(this.detail(id), this._server.session(id));
    await this._settle(() => this._details.set(id, loaded), loaded);
  }

  private _forget(): void {
    this._approvals = this._targets = this._sessions = this._timeline = NOTHING;
    this._settled = [];
    this._details.clear();
    this._verdicts.clear();
    this._open.clear();
  }

  private _status: ILoaded<IStatus> = NOTHING;
  private _approvals: ILoaded<IApproval[]> = NOTHING;
  private _targets: ILoaded<ITarget[]> = NOTHING;
  private _sessions: ILoaded<ISession[]> = NOTHING;
  private _settled: readonly ISettled[] = [];
  private _timeline: ILoaded<ICellRun[]> = NOTHING;
  private _notebook = '';
  private _sessionsShown = DEFAULT_SESSIONS_SHOWN;
  private readonly _open = new Set<string>();
  private readonly _details = new Map<string, ILoaded<ISessionDetail>>();
  private readonly _verdicts = new Map<string, ILoaded<IVerdict>>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _arrived = new Signal<this, IApproval>(this);
  private readonly _settledNow = new Signal<this, IApproval>(this);
}

/** What came of a request; where it failed, what was known before stays beside the problem. */
async function load<T>(
  before: ILoaded<T>,
  asked: Promise<T>
): Promise<ILoaded<T>> {
  try {
    return { value: await asked, problem: null };
  } catch (thrown) {
    return { value: before.value, problem: asProblem(thrown) };
  }
}
