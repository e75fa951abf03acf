/**
 * What the search of the site does otherwise than minisearch would. `scripts/site-search.js` asks the built index what readers ask.
 * These functions are sent to the browser as their own text, so each of them names nothing outside of itself.
 */
export const search = {
  options: {
    /** Words, as minisearch divides them; besides, "time-out" as "timeout", and names such as NO_PROXY whole. */
    tokenize: (text) => {
      const compounds = text.match(/\p{L}+(?:-\p{L}+)+|\w+(?:_\w+)+/gu) ?? [];
      return [...text.split(/[\n\r\p{Z}\p{P}]+/u), ...compounds.map((word) => word.replaceAll('-', ''))];
    },
    /** A sentence is searched by its nouns and verbs: otherwise the page with the most of "a", "on" and "for" wins. Plurals are singular. */
    processTerm: (term) => {
      const small =
        /^(?:an?|and|are|as|at|be|but|by|can|do|does|for|from|how|i|if|in|into|is|isn|it|its|my|no|not|of|on|one|or|our|so|that|the|their|then|there|this|to|was|we|what|when|where|which|who|whom|why|will|with|you|your)$/;
      const word = term.toLowerCase();
      if (small.test(word)) return null;
      return word.length < 5 ? word : word.replace(/([^k])ies$/, '$1y').replace(/([^psu])s$/, '$1');
    },
  },
  searchOptions: {
    /** What is typed: a name such as ERR_READ is that alone, and not what has to do with reading. */
    tokenize: (text) => {
      const compounds = text.match(/\p{L}+(?:-\p{L}+)+/gu) ?? [];
      return [...text.split(/[^\p{L}\p{N}_]+/u), ...compounds.map((word) => word.replaceAll('-', ''))];
    },
    // "host" is neither "most" nor "post"; a long word may be misspelt.
    fuzzy: (term) => (term.length > 5 ? 0.2 : false),
    /** Pages to learn from come first, then those to look something up in, then those of contributors. */
    boostDocument: (id, term) => {
      if (/^\/(?:#|$|decisions\/|security-tests|architecture)/.test(id)) return 0.25;
      const isName = term.includes('_');
      if (/^\/(?:reference\/|reliability|platforms)/.test(id)) return isName ? 1 : 0.5;
      if (id.startsWith('/migrate/')) return isName ? 0.5 : 1;
      return /^\/(?:quickstart|cli|examples)/.test(id) ? 0.7 : 1;
    },
  },
};
