/** VitePress' own theme, a little wider. */
import DefaultTheme from 'vitepress/theme';
import './wide.css';

export default DefaultTheme;
