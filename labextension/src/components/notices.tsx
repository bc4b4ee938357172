/**
 * What the panel shows in place of its lists: no server extension, no gateway, nobody logged in. Each says what to do next.
 */
import { launchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { webAddress } from '../format';
import type { GovernProblem } from '../problem';
import type { IStatus } from '../wire';
import { useBusy, useEnv, useModel } from './env';
import { CopyLine } from './parts';

/** A card in the middle of the panel. */
function Notice(props: {
  name: string;
  title: string;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <div className="jp-govern-notice" data-notice={props.name}>
      <h3>{props.title}</h3>
      {props.children}
    </div>
  );
}

function Retry(): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const [retry, busy] = useBusy(() => model.refresh());
  return (
    <button
      type="button"
      className="jp-govern-button"
      disabled={busy}
      onClick={retry}
    >
      {busy ? trans.__('Looking…') : trans.__('Try again')}
    </button>
  );
}

/** The notebook server itself does not answer as it should. */
export function NoServer(props: { problem: GovernProblem }): JSX.Element {
  const { trans } = useEnv();
  const isMissing = props.problem.status === 404;
  return isMissing ? (
    <Notice name="no-extension" title={trans.__('Half of it is missing')}>
      <p>
        {trans.__(
          'This panel is here, but the server extension of jupyter-govern is not running in this notebook server. Enable it, then restart the server.'
        )}
      </p>
      <CopyLine
        label={trans.__('shell')}
        text="jupyter server extension enable jupyter_govern"
      />
      <Retry />
    </Notice>
  ) : (
    <Notice name="no-server" title={trans.__('No answer')}>
      <p role="alert">
        {props.problem.message} {props.problem.hint}
      </p>
      <Retry />
    </Notice>
  );
}

/** No gateway was found, or the one that was does not answer. */
export function NoGateway(props: {
  gateway: IStatus['gateway'];
}): JSX.Element {
  const { trans } = useEnv();
  const { url, error } = props.gateway;
  return (
    <Notice
      name="no-gateway"
      title={
        url ? trans.__('The gateway does not answer') : trans.__('No gateway yet')
      }
    >
      <p>
        {url
          ? trans.__(
              'Nothing reaches a governed target without it. Your notebooks work as before.'
            )
          : trans.__(
              'Governed targets are reached through a gateway, and this notebook server knows of none.'
            )}
      </p>
      {error ? <p className="jp-govern-detail">{error}</p> : null}
      <p>{trans.__('Start one on this machine:')}</p>
      <CopyLine
        label={trans.__('shell')}
        text="jupyter govern gateway govern.toml"
      />
      <p>
        {trans.__('Or name one that runs elsewhere in Jupyter’s configuration:')}
      </p>
      <CopyLine
        label={trans.__('config')}
        text={'c.GovernApp.gateway_url = "https://…"'}
      />
      <Retry />
    </Notice>
  );
}

/** Nobody is logged in: begin, or wait for the person at the gateway's page. */
export function LoginCard(props: { status: IStatus }): JSX.Element {
  const { trans, openPage } = useEnv();
  const model = useModel();
  const [logIn, busy] = useBusy(async () => {
    const address = await model.login();
    if (address !== null) {
      openPage(address);
    }
  });
  const pending = props.status.login_pending;
  if (pending !== null) {
    return <PendingLogin pending={pending} />;
  }
  const problem = model.status.problem?.message ?? props.status.login_error;
  return (
    <Notice name="login" title={trans.__('Log in to the gateway')}>
      <p>
        {trans.__(
          'So that it knows who asks. You log in on the gateway’s own page: your password never passes this notebook server.'
        )}
      </p>
      {problem ? (
        <p className="jp-govern-problem" role="alert">
          {problem}
        </p>
      ) : null}
      <button
        type="button"
        className="jp-govern-button jp-mod-accept"
        disabled={busy}
        onClick={logIn}
      >
        {busy ? trans.__('Starting…') : trans.__('Log in')}
      </button>
    </Notice>
  );
}

function PendingLogin(props: {
  pending: NonNullable<IStatus['login_pending']>;
}): JSX.Element {
  const { trans, openPage } = useEnv();
  const model = useModel();
  const [cancel, busy] = useBusy(() => model.logout());
  const { user_code: code, verification_uri_complete: address } = props.pending;
  return (
    <Notice name="login-pending" title={trans.__('Confirm on the gateway’s page')}>
      <p>{trans.__('It shows this code. Confirm only if it is the same:')}</p>
      <output className="jp-govern-code" data-govern="user-code">
        {code}
      </output>
      <button
        type="button"
        className="jp-govern-button jp-mod-accept"
        disabled={webAddress(address) === null}
        onClick={() => openPage(address)}
      >
        <launchIcon.react tag="span" width="14px" height="14px" />
        {trans.__('Open the gateway’s page')}
      </button>
      <p className="jp-govern-waits" role="status">
        <span className="jp-govern-pulse" aria-hidden="true" />
        {trans.__('Waiting for you there; this panel goes on by itself.')}
      </p>
      <button
        type="button"
        className="jp-govern-button jp-mod-quiet"
        disabled={busy}
        onClick={cancel}
      >
        {trans.__('Cancel')}
      </button>
    </Notice>
  );
}
