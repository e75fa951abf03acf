import { Client } from 'whippet';
import { Asked } from './asked.jsx';

export const dynamic = 'force-dynamic';

/** A server component, and in it one of the browser's. */
export default async function Page() {
  const client = new Client({ app: { fetch: () => new Response('the page works') } });
  const { text } = await client.get('http://app.test/');
  return (
    <p>
      {text} <Asked />
    </p>
  );
}
