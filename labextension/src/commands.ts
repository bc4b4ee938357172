/**
 * Our commands. None of them decides an approval, and none may ever: output of a notebook can carry buttons that run
 * commands.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';

import { shieldIcon } from './icons';
import type { GovernModel } from './model';
import { CommandIDs, PANEL_ID } from './tokens';

export interface ICommandOptions {
  app: JupyterFrontEnd;
  model: GovernModel;
  trans: TranslationBundle;
  notebooks: INotebookTracker | null;
  openPage: (url: string) => void;
}

const NO_ARGS = { args: { type: 'object', properties: {} } };
const CELL_ARGS = {
  args: {
    type: 'object',
    properties: {
      path: { type: 'string', description: 'The notebook’s path' },
      cellId: { type: 'string', description: 'The cell’s id' }
    },
    required: ['path']
  }
};

/** Add them; the ids are returned for a palette. */
export function addCommands(options: ICommandOptions): string[] {
  const { app, model, trans } = options;
  const { commands } = app;
  commands.addCommand(CommandIDs.openPanel, {
    label: trans.__('Show the Govern Panel'),
    icon: shieldIcon,
    describedBy: NO_ARGS,
    execute: () => app.shell.activateById(PANEL_ID)
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Govern'),
    icon: refreshIcon,
    describedBy: NO_ARGS,
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.logIn, {
    label: trans.__('Log In to the Gateway'),
    describedBy: NO_ARGS,
    isEnabled: () => model.subject === null,
    execute: async () => {
      const address = await model.login();
      if (address !== null) {
        options.openPage(address);
      }
    }
  });
  commands.addCommand(CommandIDs.logOut, {
    label: trans.__('Log Out of the Gateway'),
    describedBy: NO_ARGS,
    isEnabled: () => model.subject !== null,
    execute: () => model.logout()
  });
  commands.addCommand(CommandIDs.showCell, {
    label: trans.__('Show the Cell of a Governed Statement'),
    describedBy: CELL_ARGS,
    execute: async args => {
      await showCell(options, String(args.path ?? ''), String(args.cellId ?? ''));
    }
  });
  return [
    CommandIDs.openPanel,
    CommandIDs.refresh,
    CommandIDs.logIn,
    CommandIDs.logOut
  ];
}

/** Open the notebook and go to the cell. Path and id are only reported: this shows, and runs nothing. */
async function showCell(
  { app, notebooks }: ICommandOptions,
  path: string,
  cellId: string
): Promise<void> {
  if (!path.endsWith('.ipynb')) {
    return;
  }
  await app.commands.execute('docmanager:open', { path });
  const panel = notebooks?.find(one => one.context.path === path);
  if (!panel) {
    return;
  }
  await panel.context.ready;
  await panel.revealed;
  const at = panel.content.widgets.findIndex(
    cell => cell.model.sharedModel.getId() === cellId
  );
  if (at >= 0) {
    panel.content.activeCellIndex = at;
    await panel.content.scrollToItem(at, 'center');
  }
}
