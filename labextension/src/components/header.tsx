/**
 * The top of the panel: whose login at the gateway this is, and the way out.
 */
import * as React from 'react';

import { clockTime, moment } from '../format';
import { shieldIcon } from '../icons';
import { useBusy, useEnv, useModel } from './env';
import { Chip } from './parts';

export function Header(): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const status = model.status.value;
  const reachable = status?.gateway.reachable === true;
  const state = reachable
    ? trans.__('The gateway at %1 answers', status.gateway.url)
    : trans.__('The gateway does not answer');
  return (
    <header className="jp-govern-header">
      <div className="jp-govern-brand">
        <shieldIcon.react tag="span" width="20px" height="20px" />
        <h2>{trans.__('Govern')}</h2>
        {status ? (
          <span
            className={`jp-govern-light ${reachable ? 'jp-mod-good' : 'jp-mod-bad'}`}
            role="img"
            title={state}
            aria-label={state}
          />
        ) : null}
        {reachable ? (
          <span className="jp-govern-address jp-govern-ellipsis">
            {status.gateway.url.replace(/^https?:\/\//, '')}
          </span>
        ) : null}
      </div>
      {model.subject !== null ? <Person /> : null}
    </header>
  );
}

function Person(): JSX.Element | null {
  const { trans } = useEnv();
  const model = useModel();
  const [logOut, busy] = useBusy(() => model.logout());
  const login = model.status.value?.login;
  if (!login) {
    return null;
  }
  const ends = clockTime(moment(login.expires_at), Date.now());
  return (
    <div className="jp-govern-person">
      <span className="jp-govern-avatar" aria-hidden="true">
        {login.subject.slice(0, 2).toUpperCase()}
      </span>
      <span
        className="jp-govern-who"
        title={trans.__('Logged in at the gateway until %1', ends)}
      >
        <b data-govern="subject">{login.subject}</b>
        {[...login.groups].sort().map(group => (
          <Chip key={group} title={trans.__('Group')}>
            {group}
          </Chip>
        ))}
      </span>
      <button
        type="button"
        className="jp-govern-button jp-mod-quiet"
        disabled={busy}
        onClick={logOut}
      >
        {trans.__('Log out')}
      </button>
    </div>
  );
}
