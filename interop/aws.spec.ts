/** `whippet/smithy` under the AWS SDK v3, against moto: S3, DynamoDB and SQS as their own protocols are spoken. */
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import ava, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createRequestHandler } from '../src/drop-in/smithy.js';
import { host } from '../__test__/helpers/listen.js';
import { freePorts, start } from './helpers/program.js';

/** The interpreter that has moto, by its own name: a shim would ask for the home that peers do not get. */
const asked = spawnSync('python3', ['-c', 'import moto.server, sys; print(sys.executable)'], { encoding: 'utf8' });
const python = asked.status === 0 ? asked.stdout.trim() : null;
const test = python === null ? ava.skip : ava;

/** One account that all services of moto share, and one handler for all of their clients. */
async function account(t: ExecutionContext): Promise<{ endpoint: string; options: object }> {
  const [port] = await freePorts(1);
  await start(t, python as string, ['-m', 'moto.server', '-H', host, '-p', String(port)], port);
  const requestHandler = createRequestHandler();
  t.teardown(() => requestHandler.destroy());
  const endpoint = `http://${host}:${port}`;
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
  return { endpoint, options: { endpoint, region: 'us-east-1', credentials, requestHandler } };
}

test('S3: objects, ranges, keys of every kind, lists, deletes, multipart', async (t) => {
  const { options } = await account(t);
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  const Bucket = 'mine';
  await s3.send(new CreateBucketCommand({ Bucket }));
  for (const Key of ['plain', "quote'(*)!", 'plus+and&', 'grüße/漢字', 'with blank']) {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: `of ${Key}`, Metadata: { a: 'b' } }));
    const { Body, Metadata } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    t.is(await Body?.transformToString(), `of ${Key}`);
    t.deepEqual(Metadata, { a: 'b' });
  }
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
  t.is(Contents?.length, 5);
  const { Body: part, ContentRange } = await s3.send(new GetObjectCommand({ Bucket, Key: 'plain', Range: 'bytes=3-' }));
  t.is(await part?.transformToString(), 'plain');
  t.is(ContentRange, 'bytes 3-7/8');
  t.is((await t.throwsAsync(s3.send(new GetObjectCommand({ Bucket, Key: 'none' })))).name, 'NoSuchKey');

  const bytes = randomBytes(6 * 1024 * 1024);
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }));
  const Parts = [];
  for (const [index, Body] of [bytes.subarray(0, 5 * 1024 * 1024), bytes.subarray(5 * 1024 * 1024)].entries()) {
    const part = { Bucket, Key: 'large', UploadId, PartNumber: index + 1, Body };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    Parts.push({ PartNumber: index + 1, ETag });
  }
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'large', UploadId, MultipartUpload: { Parts } }));
  t.is((await s3.send(new HeadObjectCommand({ Bucket, Key: 'large' }))).ContentLength, bytes.length);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }));
  const hash = createHash('sha256');
  for await (const chunk of Body as Readable) hash.update(chunk as Buffer);
  t.is(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  const { Deleted } = await s3.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'large' }, { Key: 'plain' }] } }),
  );
  t.is(Deleted?.length, 2);
});

test('DynamoDB: a table, items, a query', async (t) => {
  const { options } = await account(t);
  const db = new DynamoDBClient(options);
  const TableName = 'people';
  await db.send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const ids = Array.from({ length: 20 }, (_, n) => String(n));
  await Promise.all(
    ids.map((id) => db.send(new PutItemCommand({ TableName, Item: { id: { S: id }, name: { S: `n${id}` } } }))),
  );
  const found = await Promise.all(ids.map((id) => db.send(new GetItemCommand({ TableName, Key: { id: { S: id } } }))));
  t.deepEqual(
    found.map(({ Item }) => Item?.name.S),
    ids.map((id) => `n${id}`),
  );
  const query = { TableName, KeyConditionExpression: 'id = :id', ExpressionAttributeValues: { ':id': { S: '7' } } };
  t.is((await db.send(new QueryCommand(query))).Count, 1);
});

test('SQS: a message goes in and comes out', async (t) => {
  const { options } = await account(t);
  const sqs = new SQSClient(options);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'grüße' }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  t.is(Messages?.[0].Body, 'grüße');
});
