/**
 * A run of a cell as it was recorded: its statements, what was decided, who consented, and the rows as people saw them.
 */
import * as React from 'react';

import { clockTime, duration, errorText, moment } from '../format';
import { type ICellRun, type Outcome, outcome } from '../grouping';
import { delivered } from '../timeline';
import type { IOperation } from '../wire';
import { useEnv } from './env';
import { CellLink, Chip, Statement } from './parts';

export function CellRun(props: { run: ICellRun }): JSX.Element {
  const { trans } = useEnv();
  const { cell, operations } = props.run;
  return (
    <div className="jp-govern-run" data-cell={cell?.cell_id ?? ''}>
      {cell ? (
        <CellLink cell={cell} />
      ) : (
        <span className="jp-govern-faint">{trans.__('Outside a notebook')}</span>
      )}
      {operations.map(operation => (
        <Operation key={operation.id} operation={operation} />
      ))}
    </div>
  );
}

const KINDS: Record<Outcome, 'good' | 'warn' | 'bad' | 'brand'> = {
  allowed: 'good',
  approved: 'brand',
  waiting: 'warn',
  blocked: 'bad',
  declined: 'bad',
  failed: 'bad'
};

function Operation(props: { operation: IOperation }): JSX.Element {
  const { trans } = useEnv();
  const { operation } = props;
  const what = outcome(operation);
  const words: Record<Outcome, string> = {
    allowed: trans.__('allowed'),
    approved: trans.__('approved'),
    waiting: trans.__('waiting'),
    blocked: trans.__('blocked'),
    declined: trans.__('not approved'),
    failed: trans.__('failed')
  };
  const { rows, ms } = operation;
  const why =
    what === 'blocked'
      ? operation.decision?.reason || errorText(operation.error)
      : errorText(operation.error);
  return (
    <div className="jp-govern-operation" data-outcome={what}>
      <Statement text={operation.statement} />
      <div className="jp-govern-facts">
        <Chip kind={KINDS[what]} title={operation.decision?.reason}>
          {words[what]}
        </Chip>
        {operation.tag && !rows ? (
          <span>{operation.tag}</span>
        ) : typeof rows === 'number' && what !== 'blocked' ? (
          <span>{trans._n('%1 row', '%1 rows', rows)}</span>
        ) : null}
        {typeof ms === 'number' && what !== 'blocked' ? (
          <span>{duration(ms)}</span>
        ) : null}
        <span className="jp-govern-when">
          {clockTime(moment(operation.started_at), Date.now())}
        </span>
      </div>
      <Consent operation={operation} />
      {why ? <p className="jp-govern-detail">{why}</p> : null}
      <Result operation={operation} />
    </div>
  );
}

/** Who was asked, who answered, and why. */
function Consent(props: { operation: IOperation }): JSX.Element | null {
  const { trans } = useEnv();
  const { approval } = props.operation;
  if (!approval || approval.number === undefined) {
    return null;
  }
  const { number, by, reason } = approval;
  return (
    <p className="jp-govern-consent" data-approval-number={number}>
      {by
        ? trans.__('#%1 %2 by %3', number, approval.state ?? '', by)
        : trans.__('#%1 %2', number, approval.state ?? '')}
      {reason ? <span className="jp-govern-faint"> “{reason}”</span> : null}
    </p>
  );
}

/** The rows as they were delivered: what was masked was masked before it came here. */
function Result(props: { operation: IOperation }): JSX.Element | null {
  const { trans } = useEnv();
  const [open, setOpen] = React.useState(false);
  const shown = React.useMemo(() => delivered(props.operation), [props.operation]);
  if (shown === null) {
    return null;
  }
  return (
    <div className="jp-govern-result">
      <button
        type="button"
        className="jp-govern-button jp-mod-quiet"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {open ? trans.__('Hide the result') : trans.__('Show the result as it was seen')}
      </button>
      {open ? (
        <div className="jp-govern-resultTable" tabIndex={0}>
          <table>
            <thead>
              <tr>
                {shown.columns.map((name, at) => (
                  <th key={at}>{name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((value, column) => (
                    <td key={column} className={value === null ? 'jp-mod-null' : ''}>
                      {value ?? 'NULL'}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {shown.more ? (
            <p className="jp-govern-faint">
              {trans.__('More was delivered than is shown here.')}
            </p>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}
