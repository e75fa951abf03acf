/** What exchanges have in common whose request is one of fetch's: with an app in this process, and with the platform's fetch. */

import type { StreamBody } from '../../../request/body.js';
import { BodyPump } from '../../../request/body-pump.js';
import { AppExchange } from '../exchange.js';
import type { Streaming } from './request.js';
import { streamBody } from './request.js';

export abstract class WebExchange extends AppExchange {
  /** The body as a stream; the read timeout stands still while its producer is waited for. */
  protected streamed(body: StreamBody): Streaming {
    return streamBody(new BodyPump(body, this.options.onUploadProgress), {
      fails: (error) => this.fail(error),
      waitsForSource: () => this.stopReadTimer(),
      took: () => this.startReadTimer(),
      done: () => this.startReadTimer(),
    });
  }
}
