/**
 * What other extensions (and our own plugins) may ask for: the model behind the panel.
 */
import { Token } from '@lumino/coreutils';

import type { GovernModel } from './model';

export const PANEL_ID = 'jupyter-govern-panel';
export const PLUGIN_ID = 'jupyter-govern:plugin';

export namespace CommandIDs {
  export const openPanel = 'jupyter-govern:open-panel';
  export const refresh = 'jupyter-govern:refresh';
  export const logIn = 'jupyter-govern:log-in';
  export const logOut = 'jupyter-govern:log-out';
  export const showCell = 'jupyter-govern:show-cell';
}

export const IGovernModel = new Token<GovernModel>(
  'jupyter-govern:IGovernModel',
  'What the gateway says about approvals, targets and sessions of the person logged in. It can read, and nothing else.'
);
