/**
 * The whole panel: its header, and below it either what stands in the way or the four sections.
 */
import * as React from 'react';

import { Approvals } from './approvals';
import { useModel } from './env';
import { Header } from './header';
import { LoginCard, NoGateway, NoServer } from './notices';
import { Loading } from './parts';
import { Sessions } from './sessions';
import { Targets } from './targets';
import { Timeline } from './timeline';

export function Panel(): JSX.Element {
  return (
    <>
      <Header />
      <div className="jp-govern-body">
        <Body />
      </div>
    </>
  );
}

function Body(): JSX.Element {
  const model = useModel();
  const { value: status, problem } = model.status;
  if (problem !== null && (status === null || status.login === null)) {
    return <NoServer problem={problem} />;
  }
  if (status === null) {
    return <Loading />;
  }
  if (!status.gateway.reachable) {
    return <NoGateway gateway={status.gateway} />;
  }
  if (status.login === null) {
    return <LoginCard status={status} />;
  }
  return (
    <>
      <Approvals />
      <Targets />
      <Timeline />
      <Sessions />
    </>
  );
}
