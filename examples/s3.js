// S3 by the AWS SDK, which keeps its signatures, retries and checksums, over this package's connections.
//   AWS_REGION=eu-central-1 node examples/s3.js my-bucket notes/today.txt "Hello"
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Client } from 'whippet';
import { createRequestHandler } from 'whippet/smithy';

const [Bucket, Key, Body] = process.argv.slice(2);
const client = new Client({ poolLimits: { maxConnectionsPerOrigin: 50 }, timeout: { connect: 2_000 } });
const s3 = new S3Client({
  requestHandler: createRequestHandler(client),
  forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL_S3), // for MinIO, moto and the like
});

try {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  console.log('put', ETag);

  // A Node stream that is also for `for await`: the object comes as it is read.
  const object = await s3.send(new GetObjectCommand({ Bucket, Key }));
  let bytes = 0;
  for await (const chunk of object.Body) bytes += chunk.length;
  console.log('got', bytes, 'bytes');

  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key, Size } of Contents) console.log(Key, Size);
} catch (error) {
  console.log(error.name, error.$metadata?.httpStatusCode); // The service's own errors: NoSuchBucket, AccessDenied …
  process.exitCode = 1;
} finally {
  s3.destroy();
  await client.close(); // It is ours, and not the handler's to close.
}
