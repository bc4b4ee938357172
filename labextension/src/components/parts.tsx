/**
 * The small pieces that all sections share: buttons, chips, a statement, the cell it came from.
 */
import {
  caretDownIcon,
  caretRightIcon,
  checkIcon,
  copyIcon,
  type LabIcon,
  notebookIcon,
  refreshIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import { baseName } from '../format';
import type { ILoaded } from '../model';
import { pieces } from '../sql';
import type { ICell } from '../wire';
import { useBusy, useEnv } from './env';

/** A button that is only an icon; `label` is its name for everybody. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  onClick: () => void;
  busy?: boolean;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-govern-iconButton"
      title={props.label}
      aria-label={props.label}
      aria-busy={props.busy}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" width="14px" height="14px" />
    </button>
  );
}

export function Chip(props: {
  kind?: 'good' | 'warn' | 'bad' | 'brand' | 'plain';
  title?: string;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <span
      className={`jp-govern-chip jp-mod-${props.kind ?? 'plain'}`}
      title={props.title}
    >
      {props.children}
    </span>
  );
}

/** SQL, wrapped and coloured. Long ones scroll, and can be reached by keyboard to do so. */
export function Statement(props: { text: string }): JSX.Element {
  const { trans } = useEnv();
  const coloured = React.useMemo(() => pieces(props.text), [props.text]);
  return (
    <pre
      className="jp-govern-statement"
      tabIndex={0}
      aria-label={trans.__('Statement')}
    >
      {coloured.map((piece, at) =>
        piece.kind === 'plain' ? (
          piece.text
        ) : (
          <span key={at} className={`jp-govern-sql-${piece.kind}`}>
            {piece.text}
          </span>
        )
      )}
    </pre>
  );
}

/** A line to copy, with its button. */
export function CopyLine(props: { label: string; text: string }): JSX.Element {
  const { trans, copy } = useEnv();
  const [copied, setCopied] = React.useState(false);
  React.useEffect(() => {
    const timer = copied ? setTimeout(() => setCopied(false), 2000) : undefined;
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div className="jp-govern-copyLine">
      <span className="jp-govern-copyLabel">{props.label}</span>
      <code title={props.text}>{props.text}</code>
      <IconButton
        icon={copied ? checkIcon : copyIcon}
        label={
          copied ? trans.__('Copied') : trans.__('Copy the %1 line', props.label)
        }
        onClick={() => {
          copy(props.text);
          setCopied(true);
        }}
      />
    </div>
  );
}

/** The notebook and cell that a statement is said to come from, as a button that goes there. */
export function CellLink(props: { cell: ICell }): JSX.Element {
  const { trans, showCell } = useEnv();
  const { notebook, cell_id: id = '', execution_count: count } = props.cell;
  return (
    <span className="jp-govern-cell">
      <button
        type="button"
        className="jp-govern-cellLink"
        title={trans.__('Go to this cell in %1', notebook)}
        onClick={() => showCell(notebook, id)}
      >
        <notebookIcon.react tag="span" width="14px" height="14px" />
        <span className="jp-govern-ellipsis">{baseName(notebook)}</span>
        {count ? <span className="jp-govern-count">[{count}]</span> : null}
      </button>
      <span
        className="jp-govern-reported"
        title={trans.__(
          'The kernel says so. It is recorded as reported: it is no proof.'
        )}
      >
        {trans.__('reported')}
      </span>
    </span>
  );
}

/** A part of the panel that folds, with a count and a refresh button. */
export function Section(props: {
  id: string;
  title: string;
  count?: number;
  isUrgent?: boolean;
  refresh: () => Promise<void>;
  children: React.ReactNode;
}): JSX.Element {
  const { trans } = useEnv();
  const [open, setOpen] = React.useState(true);
  const [refresh, busy] = useBusy(props.refresh);
  const body = `jp-govern-${props.id}`;
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section className="jp-govern-section" data-section={props.id}>
      <header className="jp-govern-sectionHeader">
        <h3>
          <button
            type="button"
            aria-expanded={open}
            aria-controls={body}
            onClick={() => setOpen(!open)}
          >
            <Caret.react tag="span" width="16px" height="16px" />
            {props.title}
            {props.count ? (
              <span
                className={`jp-govern-badge${props.isUrgent ? ' jp-mod-urgent' : ''}`}
              >
                {props.count}
              </span>
            ) : null}
          </button>
        </h3>
        <IconButton
          icon={refreshIcon}
          label={trans.__('Refresh %1', props.title)}
          onClick={refresh}
          busy={busy}
        />
      </header>
      <div id={body} className="jp-govern-sectionBody" hidden={!open}>
        {open ? props.children : null}
      </div>
    </section>
  );
}

/** Nothing to show, said kindly. */
export function Empty(props: { children: React.ReactNode }): JSX.Element {
  return <p className="jp-govern-empty">{props.children}</p>;
}

/** The last attempt to read a list failed: why, and what to do. What was known before stays below it. */
export function Problem(props: { of: ILoaded<unknown> }): JSX.Element | null {
  const { problem } = props.of;
  return problem === null ? null : (
    <p className="jp-govern-problem" role="alert">
      {problem.message} {problem.hint}
    </p>
  );
}

/** Grey bars where a list will be. */
export function Loading(): JSX.Element {
  const { trans } = useEnv();
  return (
    <div className="jp-govern-loading" role="status">
      <span className="jp-sr-only">{trans.__('Loading…')}</span>
    </div>
  );
}
