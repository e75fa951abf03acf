// A service of AWS without its SDK: an auth flow of one's own signs each request, and anew each redirect and each retry.
//   AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… node examples/aws-sigv4.js eu-west-1 s3 https://bucket.s3.eu-west-1.amazonaws.com/key
import { Client } from 'whippet';
import { AwsSigV4 } from './support/aws-sigv4.js';

const [region, service, url] = process.argv.slice(2);
const keys = {
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  sessionToken: process.env.AWS_SESSION_TOKEN,
};
const client = new Client({ auth: new AwsSigV4(keys, { region, service }) });
try {
  const response = await client.get(url);
  console.log(response.statusCode, response.reasonPhrase);
  console.log(response.text);
} finally {
  await client.close();
}
