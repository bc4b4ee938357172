/**
 * Statements that wait for a human, and for a short while what became of them. A card links to the gateway's decision
 * page; the decision itself can only be taken there.
 */
import { launchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { accessText, clockTime, countdown, moment, share, webAddress } from '../format';
import type { ISettled } from '../model';
import type { IApproval } from '../wire';
import { useEnv, useModel, useNow } from './env';
import { CellLink, Chip, Empty, Loading, Problem, Section, Statement } from './parts';

export function Approvals(): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const { toDecide, waiting, settled } = model;
  const isEmpty = !toDecide.length && !waiting.length && !settled.length;
  return (
    <Section
      id="approvals"
      title={trans.__('Approvals')}
      count={toDecide.length + waiting.length}
      isUrgent={toDecide.length > 0}
      refresh={() => model.refreshApprovals()}
    >
      <Problem of={model.approvals} />
      <Group title={trans.__('For you to decide')} approvals={toDecide} />
      <Group
        title={trans.__('Waiting for somebody else')}
        approvals={waiting}
      />
      {settled.map(one => (
        <SettledCard key={one.approval.number} settled={one} />
      ))}
      {model.approvals.value === null && !model.approvals.problem ? (
        <Loading />
      ) : isEmpty ? (
        <Empty>
          {trans.__(
            'Nothing waits. A statement that needs somebody’s consent shows up here by itself.'
          )}
        </Empty>
      ) : null}
      <span className="jp-sr-only" role="status">
        {trans._n(
          '%1 approval for you to decide',
          '%1 approvals for you to decide',
          toDecide.length
        )}
      </span>
    </Section>
  );
}

function Group(props: {
  title: string;
  approvals: IApproval[];
}): JSX.Element | null {
  return props.approvals.length === 0 ? null : (
    <>
      <h4 className="jp-govern-groupTitle">{props.title}</h4>
      {props.approvals.map(approval => (
        <PendingCard key={approval.number} approval={approval} />
      ))}
    </>
  );
}

function PendingCard(props: { approval: IApproval }): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const { approval } = props;
  const isMine = !model.mayDecide(approval);
  return (
    <article
      className={`jp-govern-card ${isMine ? 'jp-mod-waiting' : 'jp-mod-decide'}`}
      data-approval={approval.number}
      aria-label={trans.__('Approval %1', approval.number)}
    >
      <Title approval={approval}>
        <TimeLeft approval={approval} />
      </Title>
      <Statement text={approval.statement} />
      <Parameters values={approval.parameters} />
      <Touches approval={approval} />
      <Why approval={approval} />
      {isMine && approval.approvers ? (
        <p className="jp-govern-detail">
          {trans.__('Waits for %1.', approval.approvers)}
        </p>
      ) : null}
      {approval.cell ? <CellLink cell={approval.cell} /> : null}
      <OpenButton approval={approval} isMine={isMine} />
    </article>
  );
}

function Title(props: {
  approval: IApproval;
  children?: React.ReactNode;
}): JSX.Element {
  const { number, actor, target } = props.approval;
  const model = useModel();
  const { trans } = useEnv();
  return (
    <div className="jp-govern-cardTitle">
      <span className="jp-govern-number">#{number}</span>
      <b title={actor.groups.join(', ')}>
        {actor.subject === model.subject ? trans.__('You') : actor.subject}
      </b>
      <span className="jp-govern-arrow" aria-label={trans.__('on')}>
        →
      </span>
      <span className="jp-govern-ellipsis">{target}</span>
      {props.children}
    </div>
  );
}

function Parameters(props: {
  values: IApproval['parameters'];
}): JSX.Element | null {
  const { trans } = useEnv();
  return props.values?.length ? (
    <p className="jp-govern-parameters">
      <span>{trans.__('with')}</span>
      {props.values.map((value, at) => (
        <code key={at}>
          ${at + 1} = {value === null ? 'NULL' : String(value)}
        </code>
      ))}
    </p>
  ) : null;
}

function Touches(props: { approval: IApproval }): JSX.Element | null {
  const accesses = props.approval.accesses ?? [];
  return accesses.length === 0 ? null : (
    <div className="jp-govern-chips">
      {accesses.map((access, at) => (
        <Chip
          key={at}
          kind={access.verb === 'read' ? 'plain' : 'warn'}
          title={accessText(access)}
        >
          {access.verb} <b>{access.resource}</b>
        </Chip>
      ))}
    </div>
  );
}

function Why(props: { approval: IApproval }): JSX.Element {
  const { rule, because } = props.approval;
  return (
    <p className="jp-govern-why">
      <b>{rule}</b>
      {because ? <span>{because}</span> : null}
    </p>
  );
}

function OpenButton(props: {
  approval: IApproval;
  isMine: boolean;
}): JSX.Element {
  const { trans, openPage } = useEnv();
  const { url } = props.approval;
  return (
    <button
      type="button"
      className={`jp-govern-button ${props.isMine ? '' : 'jp-mod-accept'}`}
      disabled={webAddress(url) === null}
      title={url}
      onClick={() => openPage(url)}
    >
      <launchIcon.react tag="span" width="14px" height="14px" />
      {props.isMine ? trans.__('Open its page') : trans.__('Open decision page')}
    </button>
  );
}

function TimeLeft(props: { approval: IApproval }): JSX.Element {
  const { trans } = useEnv();
  const now = useNow();
  const [from, to] = [props.approval.created_at, props.approval.expires_at].map(moment);
  if (Number.isNaN(to)) {
    return <span />;
  }
  const left = to - now;
  const text = left > 0 ? countdown(left) : trans.__('expired');
  return (
    <span
      className={`jp-govern-timeLeft${left < 60_000 ? ' jp-mod-short' : ''}`}
      role="timer"
      title={trans.__('Expires at %1', clockTime(to, now))}
    >
      <span
        className="jp-govern-timeBar"
        style={{ transform: `scaleX(${share(from, to, now)})` }}
      />
      {text}
    </span>
  );
}

function SettledCard(props: { settled: ISettled }): JSX.Element {
  const { trans } = useEnv();
  const { approval } = props.settled;
  const by = approval.decided_by;
  const kind = approval.state === 'approved' ? 'good' : 'bad';
  const words: Record<string, string> = {
    approved: trans.__('approved'),
    denied: trans.__('denied'),
    expired: trans.__('expired'),
    withdrawn: trans.__('withdrawn'),
    gone: trans.__('no longer pending')
  };
  return (
    <article
      className={`jp-govern-card jp-mod-settled jp-mod-${kind}`}
      data-approval={approval.number}
      data-state={approval.state}
    >
      <Title approval={approval} />
      <p className="jp-govern-settledLine">
        <Chip kind={kind}>{words[approval.state] ?? approval.state}</Chip>
        {by ? <span>{trans.__('by %1', by)}</span> : null}
        {approval.reason ? <q>{approval.reason}</q> : null}
      </p>
      <code className="jp-govern-oneLine">{approval.statement}</code>
    </article>
  );
}
