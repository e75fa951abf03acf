'use client';
import { useEffect, useState } from 'react';
import { get } from 'whippet';

/** In the browser's bundle: the build without the addon. */
export function Asked() {
  const [text, setText] = useState('not asked');
  useEffect(() => {
    get(new URL('/api', location.href).href, { params: { by: 'browser' } }).then((response) => setText(response.text));
  }, []);
  return text;
}
