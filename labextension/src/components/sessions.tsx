/**
 * The person's own sessions (an auditor's: everybody's) as the gateway recorded them: statements by the cell they came
 * from, and what became of each.
 */
import { caretDownIcon, caretRightIcon, checkIcon, errorIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { clockTime, moment, sessionTitle } from '../format';
import { byCell } from '../grouping';
import type { ISession } from '../wire';
import { useBusy, useEnv, useModel } from './env';
import { CellRun } from './operation';
import { Empty, Loading, Problem, Section } from './parts';

export function Sessions(): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const { value, problem } = model.sessions;
  return (
    <Section
      id="sessions"
      title={trans.__('Sessions')}
      count={value?.length}
      refresh={() => model.refreshSessions()}
    >
      <Problem of={model.sessions} />
      {value?.map(session => <SessionCard key={session.id} session={session} />)}
      {value === null && !problem ? <Loading /> : null}
      {value?.length === 0 ? (
        <Empty>
          {trans.__(
            'No session yet. Everything you run on a governed target is written down here, by cell.'
          )}
        </Empty>
      ) : null}
    </Section>
  );
}

function SessionCard(props: { session: ISession }): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const [open, setOpen] = React.useState(false);
  const { session } = props;
  const toggle = (): void => {
    setOpen(!open);
    if (open) {
      model.closeSession(session.id);
    } else {
      void model.openSession(session.id);
    }
  };
  const Caret = open ? caretDownIcon : caretRightIcon;
  const isLive = session.closed_at === null || session.closed_at === undefined;
  return (
    <article className="jp-govern-session" data-session={session.id}>
      <button
        type="button"
        className="jp-govern-sessionTitle"
        aria-expanded={open}
        onClick={toggle}
      >
        <Caret.react tag="span" width="16px" height="16px" />
        <span
          className={`jp-govern-light ${isLive ? 'jp-mod-good' : 'jp-mod-off'}`}
          role="img"
          title={isLive ? trans.__('open') : trans.__('closed')}
          aria-label={isLive ? trans.__('open') : trans.__('closed')}
        />
        <span className="jp-govern-sessionName">
          <b className="jp-govern-ellipsis">{sessionTitle(session)}</b>
          <span className="jp-govern-faint jp-govern-ellipsis">
            {session.actor !== model.subject ? `${session.actor} · ` : ''}
            {session.target} · {clockTime(moment(session.opened_at), Date.now())}
          </span>
        </span>
        <span
          className="jp-govern-badge"
          title={trans._n('%1 statement', '%1 statements', session.operations)}
        >
          {session.operations}
        </span>
      </button>
      {open ? <Detail id={session.id} /> : null}
    </article>
  );
}

function Detail(props: { id: string }): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const detail = model.detail(props.id);
  return (
    <div className="jp-govern-sessionBody">
      <Problem of={detail} />
      {detail.value === null && !detail.problem ? <Loading /> : null}
      {detail.value?.operations.length === 0 ? (
        <Empty>{trans.__('No statement yet.')}</Empty>
      ) : null}
      {detail.value
        ? byCell(detail.value.operations).map(run => (
            <CellRun key={run.key} run={run} />
          ))
        : null}
      {detail.value ? <Verify id={props.id} /> : null}
    </div>
  );
}

/** Have the recording's chain checked, and say what came of it. */
function Verify(props: { id: string }): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const [verify, busy] = useBusy(() => model.verify(props.id));
  const { value, problem } = model.verdict(props.id);
  const Mark = value?.ok ? checkIcon : errorIcon;
  return (
    <div className="jp-govern-verify">
      <button
        type="button"
        className="jp-govern-button jp-mod-quiet"
        disabled={busy}
        onClick={verify}
      >
        {busy ? trans.__('Checking…') : trans.__('Verify recording')}
      </button>
      {value || problem ? (
        <span role="status" className={value?.ok ? 'jp-mod-good' : 'jp-mod-bad'}>
          <Mark.react tag="span" width="14px" height="14px" />
          {value?.ok
            ? trans._n('whole: %1 entry', 'whole: %1 entries', value.entries)
            : value?.problem || problem?.message || trans.__('not whole')}
        </span>
      ) : null}
    </div>
  );
}
