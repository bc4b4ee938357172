/**
 * The widget in the right rail, and the item in the status bar: Lumino outside, React inside.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { EnvContext, type IEnv } from './components/env';
import { Panel } from './components/panel';
import { StatusItem } from './components/status';
import { shieldIcon } from './icons';
import { PANEL_ID } from './tokens';

export class GovernPanel extends ReactWidget {
  constructor(private readonly _env: IEnv) {
    super();
    this.id = PANEL_ID;
    this.addClass('jp-govern-panel');
    this.title.icon = shieldIcon;
    this.title.caption = _env.trans.__('Govern: approvals, targets, sessions');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _env.trans.__('Govern'));
  }

  protected override render(): JSX.Element {
    return (
      <EnvContext.Provider value={this._env}>
        <Panel />
      </EnvContext.Provider>
    );
  }
}

export class GovernStatus extends ReactWidget {
  constructor(
    private readonly _env: IEnv,
    private readonly _onClick: () => void
  ) {
    super();
    this.addClass('jp-govern-status');
  }

  protected override render(): JSX.Element {
    return (
      <EnvContext.Provider value={this._env}>
        <StatusItem onClick={this._onClick} />
      </EnvContext.Provider>
    );
  }
}
