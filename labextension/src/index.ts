/**
 * The plugins of jupyter-govern, in reading order:
 *
 * wire      shapes of what the server extension answers          sql, grouping, format, timeline   pure text and list work
 * server    the requests                                         live, notify, highlight when to look, tell, colour
 * model     what is known, and when it is asked for anew         commands                what the palette can do
 * panel     Lumino widgets around components/ (React)            tokens                  names that others may use
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands } from './commands';
import { webAddress } from './format';
import { highlightCells } from './highlight';
import { keepLive } from './live';
import { GovernModel } from './model';
import { notifyArrivals } from './notify';
import { GovernPanel, GovernStatus } from './panel';
import { GovernServer } from './server';
import { readSettings, type ISettings } from './settings';
import { CommandIDs, IGovernModel, PANEL_ID, PLUGIN_ID } from './tokens';

/** Open an address of the gateway's in a tab that can neither reach nor be reached from this page. */
function openPage(address: string): void {
  const url = webAddress(address);
  if (url !== null) {
    window.open(url, '_blank', 'noopener,noreferrer');
  }
}

const plugin: JupyterFrontEndPlugin<GovernModel> = {
  id: PLUGIN_ID,
  description:
    'Approvals, targets and sessions of a governance gateway in a sidebar.',
  autoStart: true,
  provides: IGovernModel,
  optional: [
    ILayoutRestorer,
    ICommandPalette,
    IStatusBar,
    ISettingRegistry,
    ITranslator,
    INotebookTracker
  ],
  activate
};

function activate(
  app: JupyterFrontEnd,
  restorer: ILayoutRestorer | null,
  palette: ICommandPalette | null,
  statusBar: IStatusBar | null,
  registry: ISettingRegistry | null,
  translator: ITranslator | null,
  notebooks: INotebookTracker | null
): GovernModel {
  const trans = (translator ?? nullTranslator).load('jupyter_govern');
  const { serverSettings, events } = app.serviceManager;
  const model = new GovernModel(new GovernServer(serverSettings));
  const settings: ISettings = readSettings(registry, app.restored, changed => {
    live.everySeconds = changed.refreshSeconds;
    model.sessionsShown = changed.sessionsShown;
  });
  const live = keepLive(model, events);
  const showPanel = (): void => {
    void app.commands.execute(CommandIDs.openPanel);
  };
  const follow = (): void => {
    model.notebook = notebooks?.currentWidget?.context.localPath ?? '';
  };
  notebooks?.currentChanged.connect(follow);
  notebooks?.widgetAdded.connect((_, widget) => {
    widget.context.pathChanged.connect(follow);
  });
  const ids = addCommands({ app, model, trans, notebooks, openPage });
  ids.forEach(command =>
    palette?.addItem({ command, category: trans.__('Govern') })
  );

  const env = {
    model,
    trans,
    openPage,
    copy: (text: string) => Clipboard.copyToSystem(text),
    showCell: (path: string, cellId: string) => {
      void app.commands.execute(CommandIDs.showCell, { path, cellId });
    }
  };
  const panel = new GovernPanel(env);
  app.shell.add(panel, 'right', { rank: 850, type: 'Govern' });
  restorer?.add(panel, PANEL_ID);
  statusBar?.registerStatusItem(PLUGIN_ID, {
    align: 'left',
    rank: 90,
    item: new GovernStatus(env, showPanel)
  });
  notifyArrivals({
    model,
    trans,
    openPage,
    showPanel,
    isOn: () => settings.notifications
  });
  return model;
}

const cells: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-govern:cells',
  description: 'Colours %%govsql cells as PostgreSQL.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    registry: ISettingRegistry | null
  ) => {
    const settings = readSettings(registry, app.restored);
    highlightCells(notebooks, () => settings.highlightCells);
  }
};

export default [plugin, cells];
