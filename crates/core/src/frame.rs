//! What a body is made of as it arrives: data, and trailers at its end.

use crate::fields::FieldLines;
use bytes::Bytes;

/// One frame of a response body.
pub(crate) enum Frame {
    /// The next bytes; none where decoding has yielded nothing yet.
    Data(Bytes),
    /// The trailer section (RFC 9110 section 6.5), behind all data.
    Trailers(FieldLines),
}
