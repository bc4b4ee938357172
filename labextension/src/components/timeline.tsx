/**
 * The notebook in front as it was recorded: its cells in time, with their statements, decisions, approvals and results.
 */
import * as React from 'react';

import { baseName, clockTime, moment } from '../format';
import { useEnv, useModel } from './env';
import { CellRun } from './operation';
import { Empty, Loading, Problem, Section } from './parts';

export function Timeline(): JSX.Element | null {
  const { trans } = useEnv();
  const model = useModel();
  const { notebook } = model;
  if (notebook === '') {
    return null;
  }
  const { value, problem } = model.timeline;
  return (
    <Section
      id="timeline"
      title={trans.__('Timeline of %1', baseName(notebook))}
      count={value?.length}
      refresh={() => model.refreshTimeline()}
    >
      <Problem of={model.timeline} />
      {value === null && !problem ? <Loading /> : null}
      {value?.length === 0 ? (
        <Empty>
          {trans.__('No cell of this notebook has reached a governed target yet.')}
        </Empty>
      ) : null}
      <ol className="jp-govern-timeline">
        {value?.map(run => (
          <li key={run.key}>
            <time className="jp-govern-when">
              {clockTime(moment(run.operations[0]?.started_at), Date.now())}
            </time>
            <CellRun run={run} />
          </li>
        ))}
      </ol>
    </Section>
  );
}
