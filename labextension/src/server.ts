/**
 * The requests to our server extension. All of them read, but for starting and ending this server's own login.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { GovernProblem, readProblem } from './problem';
import type {
  IApproval,
  ISession,
  ISessionDetail,
  IStatus,
  ITarget,
  IVerdict
} from './wire';

/** What the model asks of a server; tests have their own. */
export interface IGovernServer {
  status(): Promise<IStatus>;
  login(): Promise<IStatus>;
  logout(): Promise<IStatus>;
  pendingApprovals(): Promise<IApproval[]>;
  approval(number: number): Promise<IApproval>;
  targets(): Promise<ITarget[]>;
  sessions(limit: number, notebook?: string): Promise<ISession[]>;
  session(id: string): Promise<ISessionDetail>;
  verify(id: string): Promise<IVerdict>;
}

/** The server extension of the notebook server that this page came from. */
export class GovernServer implements IGovernServer {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  status(): Promise<IStatus> {
    return this._ask('status');
  }

  login(): Promise<IStatus> {
    return this._ask('login', 'POST');
  }

  logout(): Promise<IStatus> {
    return this._ask('logout', 'POST');
  }

  pendingApprovals(): Promise<IApproval[]> {
    return this._ask('gateway/approvals?state=pending');
  }

  approval(number: number): Promise<IApproval> {
    return this._ask(`gateway/approvals/${number}`);
  }

  targets(): Promise<ITarget[]> {
    return this._ask('gateway/targets');
  }

  sessions(limit: number, notebook = ''): Promise<ISession[]> {
    const of = notebook ? `&notebook=${encodeURIComponent(notebook)}` : '';
    return this._ask(`gateway/sessions?limit=${limit}${of}`);
  }

  session(id: string): Promise<ISessionDetail> {
    return this._ask(`gateway/sessions/${encodeURIComponent(id)}`);
  }

  verify(id: string): Promise<IVerdict> {
    return this._ask(`gateway/sessions/${encodeURIComponent(id)}/verify`);
  }

  private async _ask<T>(path: string, method = 'GET'): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, 'jupyter-govern', path);
    const init: RequestInit = { method };
    if (method === 'POST') {
      init.body = '{}';
    }
    const answer = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    );
    const body = await answer.text();
    if (!answer.ok) {
      throw readProblem(answer.status, body);
    }
    try {
      return JSON.parse(body) as T;
    } catch {
      throw new GovernProblem(
        answer.status,
        'not-json',
        'the notebook server answered with something that is not JSON'
      );
    }
  }
}
