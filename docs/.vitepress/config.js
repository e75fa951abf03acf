/** The site of docs/: `npm run docs` builds it, `npm run docs:preview` serves what was built. Nothing in it comes from elsewhere. */
import { defineConfig } from 'vitepress';
import { sidebar } from './sidebar.js';

/** A heading's anchor as GitHub has it, so that links hold in both places. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

export default defineConfig({
  title: 'Whippet',
  description: "An HTTP client for Node.js with httpx's manners and a Rust core",
  lang: 'en',
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
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: 'https://github.com/whippet-http/whippet' }],
  },
});
