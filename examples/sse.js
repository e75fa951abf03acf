// The answer of a language model, word by word as it is made (server-sent events of the OpenAI kind).
//   API_KEY=… node examples/sse.js https://api.openai.com/v1/ gpt-5-mini "Why is the sky blue?"
import { BearerAuth, Client } from 'whippet';

const [baseUrl, model, question] = process.argv.slice(2);
const client = new Client({
  baseUrl,
  auth: new BearerAuth(process.env.API_KEY),
  // A model thinks before its first word: `read` bounds the silence before it and between two of them, `total` the whole answer.
  timeout: { read: 60_000, total: 600_000 },
});
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const response = await client.stream('POST', 'chat/completions', {
  json: { model, stream: true, messages: [{ role: 'user', content: question }] },
  signal: stop.signal,
});
try {
  if (!response.isSuccess) await response.read(); // so that the error shows what the server said
  response.raiseForStatus();
  for await (const event of response.events()) {
    if (event.data === '[DONE]') break;
    const { choices, error } = event.json();
    if (error) throw new Error(error.message); // in the middle of the stream, with the status long sent
    process.stdout.write(choices[0]?.delta.content ?? '');
  }
  process.stdout.write('\n');
} catch (error) {
  console.error(stop.signal.aborted ? 'stopped' : String(error));
  process.exitCode = 1;
} finally {
  await response.close(); // Left early, the connection goes, and the model stops working for you.
  await client.close();
}
