/** The site's sidebar: every page is there, and what it names is a page. That the pages compile is `npm run docs`'s to say. */
import test from 'ava';
import { sidebar } from '../../docs/.vitepress/sidebar.js';
import { pages } from './markdown.js';

test('the sidebar has every page, and no other', (t) => {
  const linked = sidebar.flatMap(({ items }) => items.map(({ link }) => `docs${link.replace(/\/$/, '/index')}.md`));
  const wanted = pages().filter((page) => page.startsWith('docs/') && !page.startsWith('docs/decisions/'));
  t.deepEqual(linked.sort(), wanted.sort());
});
