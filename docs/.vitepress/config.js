/** The site of docs/: `npm run docs` builds it, `npm run docs:preview` serves what was built. Nothing in it comes from elsewhere. */
import { defineConfig } from 'vitepress';
import { sidebar } from './sidebar.js';

export default defineConfig({
  title: 'Whippet',
  description: "An HTTP client for Node.js with httpx's manners and a Rust core",
  lang: 'en',
  cleanUrls: true,
  lastUpdated: false,
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
