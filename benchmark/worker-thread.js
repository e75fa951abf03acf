/** A contender at a work in a thread of its process: see `works/workers.js`. */
import { parentPort, workerData } from 'node:worker_threads';

const contender = await import(`./contenders/${workerData.contender}.js`);
const { measure } = await import(`./works/${workerData.inThread}.js`);
parentPort.postMessage(await measure(contender, workerData));
