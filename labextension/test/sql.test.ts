import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isGovernedCell, pieces } from '../src/sql';

const kinds = (text: string): string[] =>
  pieces(text)
    .filter(piece => piece.kind !== 'plain')
    .map(piece => `${piece.kind} ${piece.text}`);

test('keywords, strings, numbers, binds and comments are told apart', () => {
  assert.deepEqual(kinds("SELECT a::int, :name, $1 -- why\nFROM t where x = 'it''s' and y = 1.5"), [
    'keyword SELECT',
    'bind :name',
    'bind $1',
    'comment -- why',
    'keyword FROM',
    'keyword where',
    "string 'it''s'",
    'keyword and',
    'number 1.5'
  ]);
});

test('a keyword inside a string, an identifier or a quoted name is none', () => {
  assert.deepEqual(kinds(`"select" $$ select $$ $a$ from $b$ $a$ e'\\' select' selected`), [
    'string $$ select $$',
    'string $a$ from $b$ $a$',
    "string e'\\' select'"
  ]);
});

test('the pieces put together are the text, whatever the text is', () => {
  let seed = 7;
  const next = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  const parts = ["'", '"', '$$', '$a$', '--', '/*', '*/', '\n', ' ', '\\', ':x', '::', '$1', 'select', '1e5', 'é', '💥', 'x', ';'];
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: next(14) }, () => parts[next(parts.length)]).join('');
    assert.equal(pieces(text).map(piece => piece.text).join(''), text);
  }
});

test('a long unfinished string is read in one go', () => {
  const text = `'${"a''".repeat(100_000)}`;
  assert.deepEqual(pieces(text), [{ kind: 'string', text }]);
});

test('only cells whose first line is our magic are SQL', () => {
  for (const yes of ['%%govsql shop\nselect 1', '%%govsql', '\n%%govsql shop x <<\nselect 1']) {
    assert.ok(isGovernedCell(yes), yes);
  }
  for (const no of ['%govsql shop select 1', '%%govsqlx shop', 'x = 1\n%%govsql shop', '# %%govsql shop']) {
    assert.ok(!isGovernedCell(no), no);
  }
});
