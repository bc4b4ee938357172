/**
 * Our own icon; all others are JupyterLab's.
 */
import { LabIcon } from '@jupyterlab/ui-components';

import shield from '../style/icons/shield.svg';

export const shieldIcon = new LabIcon({
  name: 'jupyter-govern:shield',
  svgstr: shield
});
