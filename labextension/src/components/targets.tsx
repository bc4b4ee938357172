/**
 * What the person may reach, what they may do there, and what they will see masked: with the rule and its reason.
 */
import { lockIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { psqlLine } from '../format';
import { byRule } from '../grouping';
import type { IMask, ITarget } from '../wire';
import { useEnv, useModel } from './env';
import { Chip, CopyLine, Empty, Loading, Problem, Section } from './parts';

export function Targets(): JSX.Element {
  const { trans } = useEnv();
  const model = useModel();
  const { value, problem } = model.targets;
  return (
    <Section
      id="targets"
      title={trans.__('Targets')}
      count={value?.length}
      refresh={() => model.refreshTargets()}
    >
      <Problem of={model.targets} />
      {value?.map(target => <TargetCard key={target.name} target={target} />)}
      {value === null && !problem ? <Loading /> : null}
      {value?.length === 0 ? (
        <Empty>
          {trans.__(
            'The gateway has no target for you. Ask its owner for a rule that names you or one of your groups.'
          )}
        </Empty>
      ) : null}
    </Section>
  );
}

function TargetCard(props: { target: ITarget }): JSX.Element {
  const { trans } = useEnv();
  const { target } = props;
  const isClosed = target.verbs.length === 0;
  return (
    <article
      className={`jp-govern-card${isClosed ? ' jp-mod-closed' : ''}`}
      data-target={target.name}
    >
      <div className="jp-govern-cardTitle">
        <span
          className={`jp-govern-light jp-mod-${isClosed || !target.reachable ? 'bad' : 'good'}`}
          role="img"
          aria-label={
            target.reachable ? trans.__('reachable') : trans.__('not reachable')
          }
        />
        <b className="jp-govern-ellipsis">{target.name}</b>
        <span className="jp-govern-kind">{target.kind}</span>
      </div>
      {!target.reachable && !isClosed ? (
        <p className="jp-govern-problem">
          {trans.__('The gateway cannot reach it at the moment.')}
        </p>
      ) : null}
      <Verbs target={target} />
      <Masks masks={target.masks ?? []} />
      {!isClosed && target.connect ? (
        <>
          <CopyLine label={trans.__('cell')} text={`%%govsql ${target.name}`} />
          <CopyLine label="psql" text={psqlLine(target.connect)} />
        </>
      ) : null}
    </article>
  );
}

function Verbs(props: { target: ITarget }): JSX.Element {
  const { trans } = useEnv();
  const { verbs, why } = props.target;
  return verbs.length === 0 ? (
    <p className="jp-govern-detail">
      {why || trans.__('No rule lets you in here.')}
    </p>
  ) : (
    <div className="jp-govern-chips" title={why}>
      {verbs.map(verb => (
        <Chip key={verb} kind={verb === 'read' || verb === 'connect' ? 'plain' : 'brand'}>
          {verb}
        </Chip>
      ))}
    </div>
  );
}

/** The masked columns, by the rule that masks them. */
function Masks(props: { masks: IMask[] }): JSX.Element | null {
  const { trans } = useEnv();
  return props.masks.length === 0 ? null : (
    <div className="jp-govern-masks">
      <p className="jp-govern-masksTitle">
        <lockIcon.react tag="span" width="12px" height="12px" />
        {trans._n(
          '%1 column is masked for you',
          '%1 columns are masked for you',
          props.masks.length
        )}
      </p>
      <dl>
        {byRule(props.masks).map(([rule, because, masks]) => (
          <React.Fragment key={rule}>
            <dt>
              <b>{rule}</b>
              {because ? <span>{because}</span> : null}
            </dt>
            {masks.map(mask => (
              <MaskRow key={mask.column} mask={mask} />
            ))}
          </React.Fragment>
        ))}
      </dl>
    </div>
  );
}

function MaskRow(props: { mask: IMask }): JSX.Element {
  const { column, format } = props.mask;
  const at = column.lastIndexOf('.') + 1;
  return (
    <dd data-mask={column}>
      <code>
        <span className="jp-govern-faint">{column.slice(0, at)}</span>
        <wbr />
        {column.slice(at)}
      </code>
      <Chip kind="warn">{format}</Chip>
    </dd>
  );
}
