/**
 * Cells that begin with `%%govsql` are coloured as PostgreSQL.
 *
 * The kernel's language info sets every cell back to Python when it arrives, so the type is looked at again whenever it
 * or the text changes.
 */
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { isGovernedCell } from './sql';

const SQL = 'text/x-pgsql';

/** Follow every notebook that is or will be open; `isOn` is asked each time. */
export function highlightCells(
  notebooks: INotebookTracker,
  isOn: () => boolean
): void {
  const followed = new WeakSet<ICellModel>();
  notebooks.widgetAdded.connect((_, panel) => follow(panel, followed, isOn));
  notebooks.forEach(panel => follow(panel, followed, isOn));
}

function follow(
  panel: NotebookPanel,
  followed: WeakSet<ICellModel>,
  isOn: () => boolean
): void {
  const apply = (cell: ICellModel): void => {
    if (panel.isDisposed) {
      return;
    }
    if (isOn() && isGovernedCell(cell.sharedModel.getSource())) {
      cell.mimeType = SQL;
    } else if (cell.mimeType === SQL) {
      cell.mimeType = panel.content.codeMimetype;
    }
  };
  const attach = (): void => {
    for (const cell of panel.content.model?.cells ?? []) {
      if (cell.type === 'code' && !followed.has(cell)) {
        followed.add(cell);
        cell.contentChanged.connect(apply);
        cell.mimeTypeChanged.connect(() => apply(cell));
        apply(cell);
      }
    }
  };
  const attachModel = (): void => {
    panel.content.model?.cells.changed.connect(attach);
    attach();
  };
  panel.content.modelChanged.connect(attachModel);
  attachModel();
}
