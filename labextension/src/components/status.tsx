/**
 * The item in the status bar: what waits, else who is logged in, else what is missing.
 */
import * as React from 'react';

import { shieldIcon } from '../icons';
import { useEnv, useModel } from './env';

export function StatusItem(props: { onClick: () => void }): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const status = model.status.value;
  const mine = model.toDecide.length;
  const pending = mine + model.waiting.length;
  let text = trans.__('Govern');
  let title = trans.__('Show the Govern panel');
  if (pending > 0) {
    text = trans.__('Govern: %1 pending', pending);
    title = trans._n(
      '%1 approval is for you to decide',
      '%1 approvals are for you to decide',
      mine
    );
  } else if (model.subject !== null) {
    text = trans.__('Govern: %1', model.subject);
  } else if (status?.gateway.reachable) {
    text = trans.__('Govern: log in');
  } else if (status) {
    text = trans.__('Govern: no gateway');
  } else if (model.status.problem) {
    text = trans.__('Govern: not running');
  }
  return (
    <button
      type="button"
      className={`jp-govern-statusItem${mine > 0 ? ' jp-mod-urgent' : ''}`}
      title={title}
      onClick={props.onClick}
    >
      <shieldIcon.react tag="span" width="14px" height="14px" />
      {text}
    </button>
  );
}
