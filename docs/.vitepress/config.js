/** The site of docs/: `npm run docs` builds it, `npm run docs:preview` serves what was built. Nothing in it comes from elsewhere. */
import { defineConfig } from 'vitepress';
import { search } from './search.js';
import { sidebar } from './sidebar.js';

/** A heading's anchor as GitHub has it, so that links hold in both places. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M1 3l3 10 4-7 4 7 3-10' fill='none' stroke='%233451b2' stroke-width='2'/></svg>";

export default defineConfig({
  title: 'Whippet',
  description: "An HTTP client for Node.js with httpx's manners and a Rust core",
  lang: 'en',
  head: [['link', { rel: 'icon', href: ICON }]],
  cleanUrls: true,
  lastUpdated: false,
  markdown: { anchor: { slugify } },
  themeConfig: {
    nav: [
      { text: 'Quickstart', link: '/quickstart' },
      { text: 'Reference', link: '/reference/' },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: 'local', options: { miniSearch: search } },
    socialLinks: [{ icon: 'github', link: 'https://github.com/whippet-http/whippet' }],
  },
});
