import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

/** The AWS SDK's client, with its own handler unless another is given. The origin answers as S3 does to what is asked here. */
export function open({ url }, requestHandler) {
  const client = new S3Client({
    endpoint: new URL(url).origin,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    ...(requestHandler && { requestHandler }),
  });
  const bytes = async (url) => {
    const [, Bucket, Key] = new URL(url).pathname.split('/');
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return (await Body.transformToByteArray()).byteLength;
  };
  return { bytes, close: async () => client.destroy() };
}
