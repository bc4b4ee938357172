/**
 * PostgreSQL text cut into coloured pieces, for reading only: nothing is decided on it. Pure.
 *
 * The pieces put together are the text, whatever the text is.
 */

export type PieceKind = 'keyword' | 'string' | 'comment' | 'number' | 'bind' | 'plain';

export interface IPiece {
  readonly kind: PieceKind;
  readonly text: string;
}

const KEYWORDS = new Set(
  (
    'all alter analyze and any array as asc begin between by call cascade case cast check column commit conflict ' +
    'constraint copy create cross current database default delete desc distinct do drop else end except execute exists ' +
    'explain false fetch filter first for foreign from full function grant group having if ilike in index inner insert ' +
    'intersect into is join key last lateral left like limit listen lock materialized merge natural not nothing null ' +
    'nulls offset on only or order outer over partition primary procedure references refresh release rename replace ' +
    'returning revoke right rollback row rows savepoint schema select sequence set show similar some table temporary ' +
    'then to transaction trigger true truncate type union unique update using vacuum values view when where window with'
  ).split(' ')
);

const PIECES = new RegExp(
  [
    /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))/,
    /(?<string>\$(?<tag>[A-Za-z_]\w*)?\$[\s\S]*?(?:\$\k<tag>\$|$)|[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^']|'')*(?:'|$))/,
    /(?<quoted>"(?:[^"]|"")*(?:"|$))/,
    /(?<bind>::|:[A-Za-z_]\w*|\$\d+)/,
    /(?<number>\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)/,
    /(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)/
  ]
    .map(part => part.source)
    .join('|'),
  'g'
);

/** Cut `text` into pieces. */
export function pieces(text: string): IPiece[] {
  const found: IPiece[] = [];
  const add = (kind: PieceKind, piece: string): void => {
    const last = found[found.length - 1];
    if (piece === '') {
      return;
    }
    if (kind === 'plain' && last?.kind === 'plain') {
      found[found.length - 1] = { kind, text: last.text + piece };
    } else {
      found.push({ kind, text: piece });
    }
  };
  let at = 0;
  for (const match of text.matchAll(PIECES)) {
    add('plain', text.slice(at, match.index));
    add(kindOf(match), match[0]);
    at = (match.index ?? 0) + match[0].length;
  }
  add('plain', text.slice(at));
  return found;
}

function kindOf(match: RegExpMatchArray): PieceKind {
  const groups = match.groups ?? {};
  if (groups.comment !== undefined) {
    return 'comment';
  }
  if (groups.string !== undefined) {
    return 'string';
  }
  if (groups.bind !== undefined) {
    return match[0] === '::' ? 'plain' : 'bind';
  }
  if (groups.number !== undefined) {
    return 'number';
  }
  return groups.word !== undefined && KEYWORDS.has(match[0].toLowerCase())
    ? 'keyword'
    : 'plain';
}

/** Whether a notebook cell is SQL for our magic from its first line on. */
export function isGovernedCell(source: string): boolean {
  return /^\s*%%govsql(?:\s|$)/.test(source);
}
