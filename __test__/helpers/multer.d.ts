/** What the tests use of multer, which comes without types. */
declare module 'multer' {
  import type { RequestHandler } from 'express';

  export interface MulterFile {
    fieldname: string;
    originalname: string;
    mimetype: string;
    size: number;
    buffer: Buffer;
  }

  export default function multer(): { any(): RequestHandler };
}
